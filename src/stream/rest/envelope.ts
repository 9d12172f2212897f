/** Reads the envelope that every JSON answer of Cloudflare's API comes in. */
import { isFields, readCount } from '../json-fields.ts'

/** One entry of `messages` or `errors`. Null where Cloudflare did not say. */
export interface Complaint {
  readonly code: number | null
  readonly message: string | null
}

/** `{ result, success, errors, messages }`, and what a list adds to it. */
export interface Envelope {
  /** False only where Cloudflare says so itself; an HTTP status alone does not tell. */
  readonly success: boolean
  readonly result: unknown
  /** How many there are beyond the limit; null where not told. */
  readonly total: number | null
  readonly errors: readonly Complaint[]
  /** Where the useful sentence often stands; its codes count for nothing, a success has them too. */
  readonly messages: readonly Complaint[]
}

/** Null when the text is not JSON or is no envelope: then somebody else has answered. */
export function readEnvelope(text: string): Envelope | null {
  const json = parseJson(text)
  if (!isFields(json)) return null
  const success = json['success']
  if (typeof success !== 'boolean') return null
  return {
    success,
    result: json['result'],
    total: readCount(json['total']),
    errors: readComplaints(json['errors']),
    messages: readComplaints(json['messages']),
  }
}

function readComplaints(value: unknown): readonly Complaint[] {
  if (!Array.isArray(value)) return []
  return value.map(readComplaint).filter((complaint) => complaint !== null)
}

/** Null where it is neither a sentence nor an object. */
function readComplaint(entry: unknown): Complaint | null {
  if (typeof entry === 'string') return { code: null, message: entry }
  if (!isFields(entry)) return null
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
