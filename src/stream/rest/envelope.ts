/** Reads the JSON envelope of Cloudflare's API responses. */
import { isRecord } from '../../shared/json.ts'
import { readCount } from '../json-fields.ts'

/** One entry of `messages` or `errors`. Null where Cloudflare sent no value. */
export interface ApiMessage {
  readonly code: number | null
  readonly message: string | null
}

/** `{ result, success, errors, messages }`, and the total of a list. */
export interface Envelope {
  /** Cloudflare's own `success` flag, which may contradict the HTTP status. */
  readonly success: boolean
  readonly result: unknown
  /** Number of matches without the limit; null if missing. */
  readonly total: number | null
  readonly errors: readonly ApiMessage[]
  /** Often holds the useful text. Its codes are ignored: successful responses have them too. */
  readonly messages: readonly ApiMessage[]
}

/** Returns null if the text is no JSON envelope, such as a proxy's page. */
export function readEnvelope(text: string): Envelope | null {
  const json = parseJson(text)
  if (!isRecord(json)) return null
  const success = json['success']
  if (typeof success !== 'boolean') return null
  return {
    success,
    result: json['result'],
    total: readCount(json['total']),
    errors: readApiMessages(json['errors']),
    messages: readApiMessages(json['messages']),
  }
}

function readApiMessages(value: unknown): readonly ApiMessage[] {
  if (!Array.isArray(value)) return []
  return value.map(readApiMessage).filter((apiMessage) => apiMessage !== null)
}

/** Returns null if the entry is neither a string nor an object. */
function readApiMessage(entry: unknown): ApiMessage | null {
  if (typeof entry === 'string') return { code: null, message: entry }
  if (!isRecord(entry)) return null
  const { code, message } = entry
  const number = readCount(code)
  return {
    code: number !== null && Number.isSafeInteger(number) ? number : null,
    message: typeof message === 'string' ? message : null,
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
