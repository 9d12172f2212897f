/** Verifies and reads one of Stream's notices, which come by webhook when processing ends. */
import type { StreamVideo } from './backend.ts'
import { readVideo } from './video.ts'

/** A request as it came in, and what to hold it against. */
export interface NoticeRequest {
  /** The body's bytes as they arrived: the signature is over these and no others. */
  readonly rawBody: Uint8Array
  /** The header `Webhook-Signature`; null where it is missing. */
  readonly signature: string | null
  /** Any of these may have signed: while a secret is rotated, the old and the new one. */
  readonly secrets: readonly string[]
  readonly now: Date
  /** How far the sender's clock may be from `now`, in both directions. @default 300 */
  readonly toleranceSeconds?: number
}

/** The reasons are sentences for the log; they quote nothing of the request. */
export type NoticeOutcome =
  | {
      readonly kind: 'notice'
      readonly video: StreamVideo
      /** When Stream signed it. A repeat is signed anew, so this does not tell notices apart. */
      readonly signedAt: Date
    }
  /** Not proven to be Stream's, or too old; nothing of the body was read. */
  | { readonly kind: 'unsigned'; readonly reason: string }
  /** Signed by Stream, and yet no video. */
  | { readonly kind: 'malformed'; readonly reason: string }

/**
 * https://developers.cloudflare.com/stream/manage-video-library/using-webhooks/
 * A notice may come again within the tolerance, there is no event id: applying it must not mind.
 */
export async function readNotice(request: NoticeRequest): Promise<NoticeOutcome> {
  const { rawBody, signature, secrets, now, toleranceSeconds = 300 } = request
  if (signature === null) return unsigned('there is no Webhook-Signature')
  const said = parseSignature(signature)
  if (said === null) return unsigned('its Webhook-Signature is not time=…,sig1=…')
  if (!secrets.some((secret) => secret !== ''))
    return unsigned('there is no secret to hold the signature against')

  // "Create the signature source string": the time, the character ".", and the raw body.
  const prefix = new TextEncoder().encode(`${said.time}.`)
  const source = new Uint8Array(prefix.length + rawBody.length)
  source.set(prefix)
  source.set(rawBody, prefix.length)
  if (!(await isSignedByAny(secrets, said.digest, source)))
    return unsigned('its signature fits none of our secrets')

  // Only now is the time known to be Stream's own word.
  const signedAt = new Date(Number(said.time) * 1000)
  if (!(Math.abs(now.getTime() - signedAt.getTime()) <= toleranceSeconds * 1000))
    return unsigned(`it was signed more than ${toleranceSeconds} s from now`)

  const json = parseJson(rawBody)
  if (json === undefined) return { kind: 'malformed', reason: 'its body is not JSON in UTF-8' }
  const video = readVideo(json)
  if (video === null) return { kind: 'malformed', reason: 'its body names no video' }
  return { kind: 'notice', video, signedAt }
}

function unsigned(reason: string): NoticeOutcome {
  return { kind: 'unsigned', reason }
}

/** Null unless there is exactly one whole `time` and exactly one `sig1` of 32 bytes in hex. */
function parseSignature(header: string) {
  // An honest one has 92 characters. Other pairs are left aside, as a sig2 may come one day.
  if (header.length > 1000) return null
  const pairs = header.split(',').map((text) => text.trim().split('='))
  const times = pairs.filter(([key]) => key === 'time')
  const digests = pairs.filter(([key]) => key === 'sig1')
  if (times.length !== 1 || digests.length !== 1) return null
  const time = times[0]?.slice(1).join('=') ?? ''
  const digest = digests[0]?.slice(1).join('=') ?? ''
  if (!/^\d{1,11}$/.test(time) || !/^[0-9a-f]{64}$/i.test(digest)) return null
  const bytes = Uint8Array.from(digest.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
  return { time, digest: bytes }
}

async function isSignedByAny(
  secrets: readonly string[],
  digest: Uint8Array<ArrayBuffer>,
  source: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  let isSigned = false
  for (const secret of secrets) {
    // An empty secret would be one that everybody knows.
    if (secret === '') continue
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    const bytes = new TextEncoder().encode(secret)
    const key = await crypto.subtle.importKey('raw', bytes, algorithm, false, ['verify'])
    // `verify` compares in constant time; all secrets are tried, so that time tells nothing.
    if (await crypto.subtle.verify('HMAC', key, digest, source)) isSigned = true
  }
  return isSigned
}

/** Undefined when the bytes are not JSON in UTF-8. */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}
