/**
 * Parser of header values that are lists with parameters: Accept, Accept-Encoding. Names are
 * case-insensitive, whitespace is optional, and a parameter may be a quoted string.
 * https://www.rfc-editor.org/rfc/rfc9110#section-5.6
 */

/** An entry of a list, such as `text/html;level=1;q=0.5`. */
export interface ListEntry {
  /** In lower case. */
  readonly value: string
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>
  /** Quality value from 0, not acceptable, to 1. https://www.rfc-editor.org/rfc/rfc9110#section-12.4.2 */
  readonly q: number
}

/** Text up to a comma or semicolon that is not inside a quoted string. */
const UNTIL_COMMA = /(?:[^",]|"(?:[^"\\]|\\.)*"?)+/g
const UNTIL_SEMICOLON = /(?:[^";]|"(?:[^"\\]|\\.)*"?)+/g

/**
 * Characters of a list that are read, several times as many as browsers send: lists are parsed before the
 * caller is authenticated, and each entry costs about as much as a hundred characters without a comma.
 */
const MAX_LIST_CHARACTERS = 1024

/** Parses a list; skips empty entries, and those that end after MAX_LIST_CHARACTERS. */
export function parseList(header: string): readonly ListEntry[] {
  const entries = withinLimit(header).match(UNTIL_COMMA) ?? []
  return entries.map(parseEntry).filter((entry) => entry.value !== '')
}

/** Ends at a comma: without its end, an entry may have another weight. */
function withinLimit(header: string): string {
  if (header.length <= MAX_LIST_CHARACTERS) return header
  return header.slice(0, Math.max(0, header.lastIndexOf(',', MAX_LIST_CHARACTERS)))
}

const NO_PARAMETERS: ReadonlyMap<string, string> = new Map()

function parseEntry(text: string): ListEntry {
  const [value = '', ...pairs] = text.match(UNTIL_SEMICOLON) ?? []
  if (pairs.length === 0)
    return { value: value.trim().toLowerCase(), parameters: NO_PARAMETERS, q: 1 }
  const parameters = new Map<string, string>()
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    if (equals !== -1)
      parameters.set(pair.slice(0, equals).trim().toLowerCase(), unquote(pair.slice(equals + 1)))
  }
  return { value: value.trim().toLowerCase(), parameters, q: weightOf(parameters.get('q')) }
}

function unquote(text: string): string {
  const [, quoted] = /^"((?:[^"\\]|\\.)*)"$/.exec(text.trim()) ?? []
  return quoted === undefined ? text.trim() : quoted.replaceAll(/\\(.)/g, '$1')
}

/** A malformed weight counts as missing. */
function weightOf(weight = '1'): number {
  return /^[01](?:\.\d*)?$/.test(weight) ? Math.min(1, Number(weight)) : 1
}

/** Returns the media type of a Content-Type header in lower case, without parameters. */
export function mediaTypeIn(contentType: string | null): string | null {
  const [, mediaType = ''] = /^[\s,]*([^;,]*)/.exec(contentType ?? '') ?? []
  return mediaType.trim().toLowerCase() || null
}

/** A parsed Accept header. */
export type Accept = readonly ListEntry[]

/** A missing header accepts all types. */
export function parseAccept(header: string | null): Accept {
  return parseList(header || '*/*')
}

/** How well a media type fits an Accept header. */
interface Fit {
  readonly q: number
  /** 0 for a range of all types, 1 for all subtypes, 2 for exactly this type. */
  readonly specificity: number
  /** Position of the range in the header. */
  readonly position: number
}

/**
 * Chooses the media type that the client prefers: by quality, then by how exactly the header names it, then by
 * the order of the header, then by the order of `offered`. Null if it accepts none.
 * https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1
 */
export function preferredMediaType<T extends string>(
  accept: Accept,
  offered: readonly T[],
): T | null {
  let best: { readonly mediaType: T; readonly fit: Fit } | null = null
  for (const mediaType of offered) {
    const fit = fitOf(accept, mediaType)
    if (fit.q > 0 && (best === null || isBetter(fit, best.fit))) best = { mediaType, fit }
  }
  return best?.mediaType ?? null
}

/** Returns the quality of this media type, from 0 to 1. */
export function qualityOf(accept: Accept, mediaType: string): number {
  return fitOf(accept, mediaType).q
}

function isBetter(a: Fit, b: Fit): boolean {
  if (a.q !== b.q) return a.q > b.q
  if (a.specificity !== b.specificity) return a.specificity > b.specificity
  return a.position < b.position
}

/** The most specific range that contains the media type decides. */
function fitOf(ranges: Accept, mediaType: string): Fit {
  let fit: Fit = { q: 0, specificity: -1, position: Infinity }
  for (const [position, { value, parameters, q }] of ranges.entries()) {
    const specificity = specificityOf(value, mediaType)
    // All responses are UTF-8. Other parameters are ignored.
    const isUtf8 = (parameters.get('charset') ?? 'utf-8').toLowerCase() === 'utf-8'
    if (isUtf8 && specificity > fit.specificity) fit = { q, specificity, position }
  }
  return fit
}

/** Returns -1 if the range does not contain the media type. */
function specificityOf(range: string, mediaType: string): number {
  if (range === mediaType) return 2
  if (range === '*/*') return 0
  return range.endsWith('/*') && mediaType.startsWith(range.slice(0, -1)) ? 1 : -1
}

/**
 * Whether the client is a browser that opens a page: it names HTML, and prefers no other type of this URL. Other
 * clients do not request HTML.
 */
export function prefersHTML(accept: Accept, others: readonly string[]): boolean {
  if (!accept.some(({ value }) => value === 'text/html')) return false
  return preferredMediaType(accept, ['text/html', ...others]) === 'text/html'
}

/**
 * Chooses a content coding by quality, then by the order of `codings`; `identity` if the client accepts none of
 * them. https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
 */
export function preferredCoding<T extends string>(
  acceptEncoding: string | null,
  codings: readonly T[],
): T | 'identity' {
  const weights = new Map(parseList(acceptEncoding ?? '').map(({ value, q }) => [value, q]))
  let best: T | 'identity' = 'identity'
  let bestQ = 0
  for (const coding of codings) {
    const q = weights.get(coding) ?? weights.get('*') ?? 0
    if (q > bestQ) [best, bestQ] = [coding, q]
  }
  return best
}
