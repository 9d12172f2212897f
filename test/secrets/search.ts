/** Finds secrets in whatever came out: text, fields of a log, errors with all that hangs on them. */
import { inspect } from 'node:util'
import { pino } from 'pino'

/** Something that must not be seen, by every text that would give it away. */
export interface Secret {
  readonly name: string
  readonly signs: readonly (string | RegExp)[]
}

/** Half a secret may be found and a quarter guessed: so many of its characters in a row are enough. */
const TELLING = 12

/** A secret that was never to be seen in any spelling: as it is, for an address, in base64, in hex. */
export function secretText(name: string, text: string): Secret {
  const spellings = [text, encodeURIComponent(text), Buffer.from(text).toString('hex')]
  // What stands before it decides where the groups of three bytes begin.
  for (const before of ['', ':', '::']) {
    const base64 = Buffer.from(`${before}${text}`).toString('base64').slice(4, -4)
    spellings.push(base64, base64.replaceAll('+', '-').replaceAll('/', '_'))
  }
  return { name, signs: [...new Set(spellings.flatMap(piecesOf))] }
}

/** A JWT: its signature, and all that it says. Its header is the same for everybody. */
export function secretToken(name: string, token: string): Secret {
  const [, payload = '', signature = ''] = token.split('.')
  return { name, signs: [payload, ...piecesOf(signature)] }
}

/**
 * A one-time URL. The last part of a tus URL is the secret; a basic one ends in the video's uid,
 * which is none, and is the beginning of the video's other addresses.
 */
export function secretURL(name: string, uploadURL: string): Secret {
  const [, ticket] = /\/tus\/(\w+)/.exec(uploadURL) ?? []
  if (ticket !== undefined) return { name, signs: piecesOf(ticket) }
  const literally = uploadURL.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return { name, signs: [new RegExp(`${literally}(?![\\w/-])`)] }
}

/** A word that is found as it stands. */
export function secretWord(name: string, word: string): Secret {
  return { name, signs: [word] }
}

/** Pieces without overlap: any run of twice as many characters holds a whole one. */
function piecesOf(text: string): string[] {
  if (text.length < 2 * TELLING) return text === '' ? [] : [text]
  const count = Math.floor(text.length / TELLING)
  return Array.from({ length: count }, (_, index) =>
    text.slice(index * TELLING, (index + 1) * TELLING),
  )
}

/** Where the secret is given away, with what stands around; null where it is not. */
export function findIn(text: string, { signs }: Secret): string | null {
  for (const sign of signs) {
    const at = typeof sign === 'string' ? text.indexOf(sign) : text.search(sign)
    if (at !== -1) return text.slice(Math.max(0, at - 80), at + 80).replaceAll(/\s+/g, ' ')
  }
  return null
}

/**
 * All text that a value holds, by three readers: ours, which knows no hidden property, and those that
 * would bring it before somebody's eyes.
 */
export function everythingIn(value: unknown): string {
  if (typeof value === 'string') return value
  const texts = new Set<string>()
  gather(value, texts, new Set())
  const shown = inspect(value, { depth: Infinity, maxArrayLength: null, maxStringLength: null })
  return [...texts, shown, asPinoWrites(value)].join('\n')
}

/** Every string, name of a property included, enumerable or not, however deep. */
function gather(value: unknown, texts: Set<string>, seen: Set<unknown>): void {
  if (typeof value === 'string') texts.add(value)
  if (typeof value !== 'object' || value === null || seen.has(value)) return
  seen.add(value)
  if (value instanceof URL) texts.add(value.href)
  if (value instanceof Uint8Array) texts.add(Buffer.from(value).toString())
  if (value instanceof Map || value instanceof Set || value instanceof Headers) {
    gather([...value], texts, seen)
  }
  for (const key of Reflect.ownKeys(value)) {
    texts.add(String(key))
    const child: unknown = Reflect.get(value, key)
    gather(child, texts, seen)
  }
}

/** The line as the process would write it, without the redaction that hides mistakes. */
function asPinoWrites(fields: unknown): string {
  const lines: string[] = []
  pino({ base: null }, { write: (line) => lines.push(line) }).info(fields)
  return lines.join('\n')
}
