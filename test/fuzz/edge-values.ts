/** Edge values: texts, numbers, timestamps, JSON, and sizes from zero to excessive. */
import * as fc from 'fast-check'

/** Integers from 1 to `most`, each order of magnitude equally often, because large ones are slow. */
export function magnitude(most: number): fc.Arbitrary<number> {
  return fc.integer({ min: 0, max: 1_000_000 }).map((share) => Math.floor(most ** (share / 1e6)))
}

const TEXTS = [
  '',
  ' ',
  '\0',
  '\r\nX-Evil: 1',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '\uD800',
  '\uDFFF\uD800',
  '\uFEFF',
  '\u202E\u0007',
  '٣',
  'İ',
  '💣'.repeat(60),
  "'; DROP TABLE uploads; --",
  '%00%0d%0a',
  '../../../etc/passwd',
  '${7*7}{{7*7}}',
  '<script>alert(1)</script>',
  'null',
  'undefined',
  'NaN',
  'true',
] as const

/** Short texts: some with a meaning in a format or language, some random. */
export const oddText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.string({ maxLength: 24 }),
  fc.string({ unit: 'binary', maxLength: 24 }),
)

/** Texts in the place of a number. */
export const oddNumber: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    ...[
      ['', '-1', '0', '-0', '1', '1.5', '1e3', '1e9', '1e999', '-1e999', '0x10', '0b1', '0o7'],
      ['NaN', 'Infinity', '+1', '01', ' 1', '1 ', '1,1', '1_000', '٣', '１', '9007199254740993'],
      ['2147483648', '4294967296', '18446744073709551616', '3600', '3601', '36000', '36001'],
      ['30000000000', '30000000001', '999999999999999', '9'.repeat(400), 'true', 'null'],
    ].flat(),
  ),
  fc.integer().map(String),
  fc.double().map(String),
)

/** Timestamps: valid, outside the policy, and invalid. */
export const oddTimestamp: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    ...[
      ['', 'now', '0', '-1', '1e20', '2026-02-30T00:00:00Z', '2016-12-31T23:59:60Z'],
      ['0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999999999Z', '+275760-09-13T00:00:00Z'],
      ['2030-01-01', '2030-01-01T00:00:00', '2030-01-01t00:00:00z', '2030-01-01T24:00:00Z'],
      ['2030-01-01T00:00:00+23:59', '2030-01-01T00:00:00-99:99', 'Tue, 01 Jan 2030 00:00:00 GMT'],
    ].flat(),
  ),
  // Around both limits of an expiry and of a scheduled deletion, in minutes from now.
  fc
    .oneof(
      fc.constantFrom(-1, 0, 1, 2, 3, 359, 360, 361, 43_199, 43_201, 1_578_239, 1_578_241),
      fc.integer({ min: -600_000, max: 2_000_000 }),
    )
    .map((minutes) => new Date(Date.now() + minutes * 60_000).toISOString()),
)

const JSON_TEXTS = [
  ['null'],
  ['true', 'false', '0', '-0', '-1', '1e999', '-1e400', '1.5', '9007199254740993', '[]', '{}'],
  ['[null]', '[[]]', '[{}]', '""', '"\\ud800"', '"\\u0000"', '{"":""}', '{"a":1,"a":2}'],
  ['{"__proto__":{"isAdmin":true}}', '{"constructor":{"prototype":{"isAdmin":true}}}'],
  ['{"__proto__":null}', '{"toString":1,"valueOf":2}', '{"length":1e9}', '{"then":"x"}'],
  ['{"toJSON":1}', '[1e999]', '{"kind":"Document","definitions":[]}', '{"uid":{"$ne":null}}'],
].flat()

/** JSON as text, because `JSON.stringify` cannot produce much of it. */
export const oddJSON: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...JSON_TEXTS) },
  { weight: 3, arbitrary: oddText.map((text) => JSON.stringify(text)) },
  { weight: 2, arbitrary: oddNumber },
  { weight: 3, arbitrary: fc.json({ maxDepth: 4 }) },
  { weight: 1, arbitrary: magnitude(50_000).map(deepList) },
  { weight: 1, arbitrary: magnitude(20_000).map(deepObject) },
)

export function deepList(depth: number): string {
  return `${'['.repeat(depth)}${']'.repeat(depth)}`
}

export function deepObject(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
}

/** A text with some characters removed, repeated, inserted or reversed. */
export function broken(
  text: fc.Arbitrary<string>,
  insertions: readonly string[],
): fc.Arbitrary<string> {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: magnitude(40),
    action: fc.constantFrom('cut', 'double', 'insert', 'end', 'reverse'),
    insertion: fc.constantFrom(...insertions),
  })
  return fc
    .tuple(text, fc.array(edit, { minLength: 1, maxLength: 5 }))
    .map(([whole, edits]) => edits.reduce(applyEdit, whole))
}

interface Edit {
  readonly at: number
  readonly length: number
  readonly action: 'cut' | 'double' | 'insert' | 'end' | 'reverse'
  readonly insertion: string
}

function applyEdit(text: string, { at, length, action, insertion }: Edit): string {
  const from = Math.floor(at * text.length)
  const [before, target, after] = [
    text.slice(0, from),
    text.slice(from, from + length),
    text.slice(from + length),
  ]
  switch (action) {
    case 'cut':
      return before + after
    case 'double':
      return before + target + target + after
    case 'insert':
      return before + insertion + target + after
    case 'end':
      return before
    case 'reverse':
      return before + Array.from(target).toReversed().join('') + after
  }
}
