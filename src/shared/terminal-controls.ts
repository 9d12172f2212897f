/**
 * Escapes characters that a terminal interprets. Text from clients or Stream could otherwise overwrite lines,
 * set the title, or reorder text.
 */

/**
 * DEL and the C1 controls (U+009B starts a sequence like ESC [); bidirectional marks, embeddings, overrides
 * and isolates; line and paragraph separators.
 */
const NON_ASCII_CONTROLS = '\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069'
/** For JSON, which already escapes the C0 controls but none of these. */
const IN_JSON = new RegExp(`[${NON_ASCII_CONTROLS}]`, 'g')
/** Includes the C0 controls except tab and newline. */
const IN_TEXT = new RegExp(`[\\u0000-\\u0008\\u000b-\\u001f${NON_ASCII_CONTROLS}]`, 'g')

/** Escapes the characters in JSON twice, so that they stay visible in a log viewer that parses it. */
export function escapeControlsInJson(json: string): string {
  return json.replaceAll(IN_JSON, (character) => `\\${escapeOf(character)}`)
}

/** Escapes the characters and the C0 controls in plain text. */
export function escapeControls(text: string): string {
  return text.replaceAll(IN_TEXT, escapeOf)
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
