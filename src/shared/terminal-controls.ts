/**
 * Escapes characters that a terminal obeys instead of showing them: text of clients and of Stream could
 * otherwise rewrite lines, set the title, or change the order of what is read.
 */

/**
 * DEL and the C1 controls, U+009B among them, which starts a sequence as ESC [ does; marks, embeddings,
 * overrides and isolates of bidirectional text; separators of lines and paragraphs.
 */
const BEYOND_ASCII = '\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069'
/** JSON escapes the C0 controls by itself, and none of these. */
const IN_JSON = new RegExp(`[${BEYOND_ASCII}]`, 'g')
/** All but tab and newline. */
const IN_TEXT = new RegExp(`[\\u0000-\\u0008\\u000b-\\u001f${BEYOND_ASCII}]`, 'g')

/** JSON whose texts have visible escapes in place of the characters, for a log that shows the texts. */
export function showControlsInJson(json: string): string {
  return json.replaceAll(IN_JSON, (character) => `\\${escapeOf(character)}`)
}

/** Text for a terminal, with visible escapes in place of the characters and of the C0 controls. */
export function showControls(text: string): string {
  return text.replaceAll(IN_TEXT, escapeOf)
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
