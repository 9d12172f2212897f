/** Verifies and parses a webhook of Stream, sent when the processing of a video ends. */
import type { StreamVideo } from '../../uploads/ports/stream-api.ts'
import { verifyHmac } from './hmac.ts'

/** A received webhook, and how to verify it. */
export interface SignedRequest {
  /** The unmodified body: the signature covers these bytes. */
  readonly rawBody: Uint8Array
  /** The header `Webhook-Signature`; null if missing. */
  readonly signature: string | null
  /** Accepted secrets: two while a secret is rotated. Empty ones are ignored. */
  readonly secrets: readonly string[]
  readonly now: Date
  /** Parses a video from JSON text; null if the text is no video. */
  readonly readVideo: (body: string) => StreamVideo | null
}

/** Maximum difference between the signature's time and the gateway's clock, in both directions. */
const TOLERANCE_SECONDS = 300

const utf8Writer = new TextEncoder()
const utf8Reader = new TextDecoder('utf-8', { fatal: true })

/** Reasons are for the log and the response; they contain nothing of the request. */
export type VerificationResult =
  | {
      readonly kind: 'verified'
      readonly video: StreamVideo
      /** The body as text. */
      readonly body: string
      /** Time of the signature. Not an event id: a redelivery is signed again. */
      readonly signedAt: Date
    }
  /** The signature is missing, wrong or outside the tolerance. The body was not parsed. */
  | { readonly kind: 'invalid_signature'; readonly reason: string }
  /** The signature is valid, but the body is no video. */
  | { readonly kind: 'malformed'; readonly reason: string }

/**
 * https://developers.cloudflare.com/stream/manage-video-library/using-webhooks/
 * Does not detect replays within the tolerance, as there is no event id: processing must be idempotent.
 */
export async function verifyWebhook(request: SignedRequest): Promise<VerificationResult> {
  const { rawBody, signature, secrets, now } = request
  if (signature === null) return invalidSignature('missing Webhook-Signature header')
  const parsed = parseSignature(signature)
  if (parsed === null)
    return invalidSignature('malformed Webhook-Signature header, expected time=…,sig1=…')
  if (!secrets.some((secret) => secret !== ''))
    return invalidSignature('no webhook secret is configured')

  // "Create the signature source string": the time, the character ".", and the raw body.
  const prefix = utf8Writer.encode(`${parsed.time}.`)
  const source = new Uint8Array(prefix.length + rawBody.length)
  source.set(prefix)
  source.set(rawBody, prefix.length)
  if (!(await isSignedByAny(secrets, parsed.digest, source)))
    return invalidSignature('the signature matches no configured secret')

  // Checked after the signature: before that, the time is not trustworthy.
  const signedAt = new Date(Number(parsed.time) * 1000)
  if (!(Math.abs(now.getTime() - signedAt.getTime()) <= TOLERANCE_SECONDS * 1000))
    return invalidSignature(`the signature timestamp is more than ${TOLERANCE_SECONDS} s from now`)

  const body = decode(rawBody)
  if (body === null || parseJson(body) === undefined)
    return { kind: 'malformed', reason: 'the body is not JSON in UTF-8' }
  const video = request.readVideo(body)
  if (video === null) return { kind: 'malformed', reason: 'the body is not a Stream video' }
  return { kind: 'verified', video, body, signedAt }
}

/** Whether the header may match a body. If not, `verifyWebhook` rejects it whatever the body is. */
export function isWellFormedSignature(signature: string | null): boolean {
  return signature !== null && parseSignature(signature) !== null
}

function invalidSignature(reason: string): VerificationResult {
  return { kind: 'invalid_signature', reason }
}

/** The header as Stream writes it. */
const COMMON_FORMAT = /^time=(\d{1,11}),sig1=([0-9a-fA-F]{64})$/

/** Returns null unless there is exactly one integer `time` and exactly one `sig1` of 32 bytes in hex. */
function parseSignature(header: string) {
  const [, time, digest] = COMMON_FORMAT.exec(header) ?? []
  if (time === undefined || digest === undefined) return parsePairs(header)
  return { time, digest: bytesOf(digest) }
}

/** Accepts any order and ignores other pairs, such as a future `sig2`. */
function parsePairs(header: string) {
  // Stream's header has 92 characters.
  if (header.length > 1000) return null
  const pairs = header.split(',').map((text) => text.trim().split('='))
  const times = pairs.filter(([key]) => key === 'time')
  const digests = pairs.filter(([key]) => key === 'sig1')
  if (times.length !== 1 || digests.length !== 1) return null
  const time = times[0]?.slice(1).join('=') ?? ''
  const digest = digests[0]?.slice(1).join('=') ?? ''
  if (!/^\d{1,11}$/.test(time) || !/^[0-9a-f]{64}$/i.test(digest)) return null
  return { time, digest: bytesOf(digest) }
}

/** @param hex hexadecimal digits only */
function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length / 2)
  for (let index = 0; index < bytes.length; index += 1)
    bytes[index] = 16 * digitAt(hex, 2 * index) + digitAt(hex, 2 * index + 1)
  return bytes
}

function digitAt(hex: string, index: number): number {
  const code = hex.charCodeAt(index)
  // '0' to '9' are 0x30 to 0x39; letters of either case count from 1 in their last four bits.
  return code < 0x40 ? code - 0x30 : (code & 0xf) + 9
}

async function isSignedByAny(
  secrets: readonly string[],
  digest: Uint8Array<ArrayBuffer>,
  source: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  let found = false
  for (const secret of secrets) {
    // An empty secret is known to attackers.
    if (secret === '') continue
    // No early exit: the duration must not reveal which secret matches.
    if (await verifyHmac(secret, source, digest)) found = true
  }
  return found
}

/** Returns null if the bytes are not UTF-8. */
function decode(bytes: Uint8Array): string | null {
  try {
    return utf8Reader.decode(bytes)
  } catch {
    return null
  }
}

/** Returns undefined if the text is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
