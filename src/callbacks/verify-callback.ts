/** Verifies a callback at its receiver. Runs wherever Web Crypto is: Node, Workers, Deno, Bun. */
import { isRecord } from '../shared/json.ts'
import type { CallbackPayload } from '../uploads/callbacks/callback-payload.ts'
import { isSigned } from './signature.ts'

/** A verified callback. A later version of the gateway may add types: answer 2xx to those that you do not know. */
export interface Callback extends CallbackPayload {
  /** The header `webhook-id`: the same for every attempt, so that a receiver processes each callback once. */
  readonly id: string
}

/** Headers of the request: those of `fetch`, or an object such as Node's `request.headers`. */
export type CallbackHeaders =
  | Pick<Headers, 'get'>
  | Readonly<Record<string, string | readonly string[] | undefined>>

/** Maximum difference between `webhook-timestamp` and the receiver's clock, in both directions. */
const TOLERANCE_SECONDS = 300

/** The request is not a callback of the gateway, or is too old. The message contains nothing of the request. */
export class CallbackRejected extends Error {
  override readonly name = 'CallbackRejected'
}

/**
 * Returns the callback in a request.
 * @param rawBody the body exactly as it was received: the signature covers these bytes
 * @param secret the value of CALLBACK_SECRET: one secret, or several while it is rotated, separated by commas
 * @param now for tests
 * @throws CallbackRejected if the signature is missing or wrong, or its time is more than five minutes from `now`;
 * respond 401
 * @throws TypeError if a secret is not valid
 */
export async function verifyCallback(
  rawBody: string | ArrayBuffer | Uint8Array,
  headers: CallbackHeaders,
  secret: string,
  now: Date = new Date(),
): Promise<Callback> {
  const id = requireHeader(headers, 'webhook-id')
  const timestamp = requireHeader(headers, 'webhook-timestamp')
  const signature = requireHeader(headers, 'webhook-signature')
  const body = rawBody instanceof ArrayBuffer ? new Uint8Array(rawBody) : rawBody
  if (!(await isSigned(signature, { id, timestamp, body }, secret.split(',')))) {
    throw new CallbackRejected('The signature matches no secret of CALLBACK_SECRET.')
  }
  // Checked after the signature: before that, the time is not trustworthy.
  const ageMs = now.getTime() - Number(timestamp) * 1000
  if (!(Math.abs(ageMs) <= TOLERANCE_SECONDS * 1000)) {
    throw new CallbackRejected(
      `The webhook-timestamp is more than ${TOLERANCE_SECONDS} s from this machine's clock.`,
    )
  }
  const payload = parseJson(typeof body === 'string' ? body : new TextDecoder().decode(body))
  if (!isPayload(payload)) {
    throw new CallbackRejected(
      'The body is not a callback: expected {"type", "timestamp", "data"}.',
    )
  }
  return { id, ...payload }
}

function requireHeader(headers: CallbackHeaders, name: string): string {
  const value = readHeader(headers, name)
  if (value !== null) return value
  throw new CallbackRejected(`The header ${name} is missing.`)
}

/** Returns null unless the header has one value. Names of an object may be in any case. */
function readHeader(headers: CallbackHeaders, name: string): string | null {
  if (isFetchHeaders(headers)) return headers.get(name)
  const [, value] = Object.entries(headers).find(([key]) => key.toLowerCase() === name) ?? []
  return typeof value === 'string' ? value : null
}

function isFetchHeaders(headers: CallbackHeaders): headers is Pick<Headers, 'get'> {
  return typeof headers.get === 'function'
}

/** Checks the outline only: the signature proves that the gateway wrote the rest. */
function isPayload(value: unknown): value is CallbackPayload {
  return (
    isRecord(value) &&
    typeof value['type'] === 'string' &&
    typeof value['timestamp'] === 'string' &&
    isRecord(value['data'])
  )
}

/** Returns undefined if the text is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
