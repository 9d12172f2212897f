/** Reads the envelope that every JSON answer of Cloudflare's API comes in. */
import { z } from 'zod'
import { looseCount } from './video.ts'

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

const code = looseCount.pipe(z.number().int().nullable().catch(null))
const complaint = z.union([
  z.string().transform((message) => ({ code: null, message })),
  z.object({ code, message: z.string().nullable().catch(null) }),
])
const complaints = z
  .array(complaint.nullable().catch(null))
  .catch(() => [])
  .transform((entries) => entries.filter((entry) => entry !== null))

const envelope = z.object({
  success: z.boolean(),
  result: z.unknown().optional(),
  total: looseCount,
  errors: complaints,
  messages: complaints,
})

/** Null when the text is not JSON or is no envelope: then somebody else has answered. */
export function readEnvelope(text: string): Envelope | null {
  const read = envelope.safeParse(parseJson(text))
  if (!read.success) return null
  const { success, result, total, errors, messages } = read.data
  return { success, result, total, errors, messages }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
