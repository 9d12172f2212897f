/** Finds secrets in output: text, log fields, errors with their causes and properties. */
import { inspect } from 'node:util'
import { pino } from 'pino'

/** A value that must not appear in output, with the patterns that reveal it. */
export interface Secret {
  readonly name: string
  readonly patterns: readonly (string | RegExp)[]
}

/** Characters in a row that count as a leak: a part of a secret helps to guess the rest. */
const MIN_RUN_LENGTH = 12

/** A secret that must not appear in plain text, URL-encoded, in base64 or in hex. */
export function secretText(name: string, text: string): Secret {
  const encodings = [text, encodeURIComponent(text), Buffer.from(text).toString('hex')]
  // The preceding text decides where the groups of three bytes begin.
  for (const before of ['', ':', '::']) {
    const base64 = Buffer.from(`${before}${text}`).toString('base64').slice(4, -4)
    encodings.push(base64, base64.replaceAll('+', '-').replaceAll('/', '_'))
  }
  return { name, patterns: [...new Set(encodings.flatMap(runsOf))] }
}

/** A JWT, found by its payload or signature. Its header is the same in every token. */
export function secretToken(name: string, token: string): Secret {
  const [, payload = '', signature = ''] = token.split('.')
  return { name, patterns: [payload, ...runsOf(signature)] }
}

/**
 * A one-time URL. The last part of a tus URL is the secret. A basic URL ends in the video's uid, which
 * is not secret, and other URLs of the video begin with it, so that only the exact URL matches.
 */
export function secretURL(name: string, uploadURL: string): Secret {
  const [, token] = /\/tus\/(\w+)/.exec(uploadURL) ?? []
  if (token !== undefined) return { name, patterns: runsOf(token) }
  const escaped = uploadURL.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return { name, patterns: [new RegExp(`${escaped}(?![\\w/-])`)] }
}

/** Runs without overlap: any part of the text that is twice as long contains a whole run. */
function runsOf(text: string): string[] {
  if (text.length < 2 * MIN_RUN_LENGTH) return text === '' ? [] : [text]
  const count = Math.floor(text.length / MIN_RUN_LENGTH)
  return Array.from({ length: count }, (_, index) =>
    text.slice(index * MIN_RUN_LENGTH, (index + 1) * MIN_RUN_LENGTH),
  )
}

/** The first match of the secret with 80 characters on each side; null where the text has no match. */
export function findIn(text: string, { patterns }: Secret): string | null {
  for (const pattern of patterns) {
    const at = typeof pattern === 'string' ? text.indexOf(pattern) : text.search(pattern)
    if (at !== -1) return text.slice(Math.max(0, at - 80), at + 80).replaceAll(/\s+/g, ' ')
  }
  return null
}

/**
 * All text in a value, collected in three ways: by reflection, which includes properties that are not
 * enumerable, and as `inspect` and pino print it.
 */
export function allTextIn(value: unknown): string {
  if (typeof value === 'string') return value
  const texts = new Set<string>()
  collectStrings(value, texts, new Set())
  const shown = inspect(value, { depth: Infinity, maxArrayLength: null, maxStringLength: null })
  return [...texts, shown, pinoLine(value)].join('\n')
}

/** Collects every string and property name at any depth, enumerable or not. */
function collectStrings(value: unknown, texts: Set<string>, seen: Set<unknown>): void {
  if (typeof value === 'string') texts.add(value)
  if (typeof value !== 'object' || value === null || seen.has(value)) return
  seen.add(value)
  if (value instanceof URL) texts.add(value.href)
  if (value instanceof Uint8Array) texts.add(Buffer.from(value).toString())
  if (value instanceof Map || value instanceof Set || value instanceof Headers) {
    collectStrings([...value], texts, seen)
  }
  for (const key of Reflect.ownKeys(value)) {
    texts.add(String(key))
    const child: unknown = Reflect.get(value, key)
    collectStrings(child, texts, seen)
  }
}

/** The log line as pino writes it. Without redaction, which would hide the leaks. */
function pinoLine(fields: unknown): string {
  const lines: string[] = []
  pino({ base: null }, { write: (line) => lines.push(line) }).info(fields)
  return lines.join('\n')
}
