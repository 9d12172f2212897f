/** Valid but rare values, as JSON text and as strings. */

/** Values of `meta`: keys with a meaning in JavaScript, and text that is hard to encode. */
export const ODD_METAS = [
  '{}',
  '{"then":"now","catch":1}',
  '{"toJSON":"no","valueOf":null}',
  '{"__proto__":{"admin":true},"constructor":{"prototype":1}}',
  '{"hasOwnProperty":false,"length":-1}',
  '{"":"","\\u0000":"\\u0000\\u001f\\u007f"}',
  '{"emoji":"👩‍👩‍👧‍👦","rtl":"\\u202eabc","nfd":"e\\u0301"}',
  '{"lone":"\\ud83d","other":"\\udca3x","\\ud800":1}',
  '{"lines":"a\\u2028b\\u2029c\\r\\n"}',
  '{"huge":1e308,"tiny":5e-324,"zero":-0.0,"whole":9007199254740993,"cut":1e21}',
  '{"deep":[[[[{"a":[null,true,false,{}]}]]]]}',
  '{"quote":"\\"\\\\/<\\/script>"}',
] as const

export const ODD_NAMES = [
  'plain.mp4',
  '"quoted\\" name',
  'control\u0001\u001f\u007f\t\n',
  'line\u2028separator\u2029',
  'emoji 🎬👩‍👩‍👧‍👦',
  '\u202Ertl.mp4',
  '</script><!--',
  '',
  '__proto__',
  'null',
] as const

/** Aliases that collide with properties of JavaScript objects. */
export const ODD_ALIASES = [
  'toJSON',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'data',
  'errors',
  'length',
] as const
