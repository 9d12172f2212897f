/** Verifies and reads one of Stream's notices, which come by webhook when processing ends. */
import type { StreamVideo } from '../../uploads/ports/stream-api.ts'
import { type IsSigned, createIsSigned } from './hmac.ts'
import { readVideo } from '../../stream/read-video.ts'

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
  /** How signatures are verified. @default by Web Crypto */
  readonly isSigned?: IsSigned
}

const isSignedBySubtle = createIsSigned()
const utf8Writer = new TextEncoder()
const utf8Reader = new TextDecoder('utf-8', { fatal: true })

/** The reasons are sentences for the log; they quote nothing of the request. */
export type NoticeOutcome =
  | {
      readonly kind: 'notice'
      readonly video: StreamVideo
      /** What Stream wrote, as text. */
      readonly body: string
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
  const { isSigned = isSignedBySubtle } = request
  if (signature === null) return unsigned('there is no Webhook-Signature')
  const said = parseSignature(signature)
  if (said === null) return unsigned('its Webhook-Signature is not time=…,sig1=…')
  if (!secrets.some((secret) => secret !== ''))
    return unsigned('there is no secret to hold the signature against')

  // "Create the signature source string": the time, the character ".", and the raw body.
  const prefix = utf8Writer.encode(`${said.time}.`)
  const source = new Uint8Array(prefix.length + rawBody.length)
  source.set(prefix)
  source.set(rawBody, prefix.length)
  if (!(await isSignedByAny(isSigned, secrets, said.digest, source)))
    return unsigned('its signature fits none of our secrets')

  // Only now is the time known to be Stream's own word.
  const signedAt = new Date(Number(said.time) * 1000)
  if (!(Math.abs(now.getTime() - signedAt.getTime()) <= toleranceSeconds * 1000))
    return unsigned(`it was signed more than ${toleranceSeconds} s from now`)

  const body = decode(rawBody)
  const json = body === null ? undefined : parseJson(body)
  if (body === null || json === undefined)
    return { kind: 'malformed', reason: 'its body is not JSON in UTF-8' }
  const video = readVideo(json)
  if (video === null) return { kind: 'malformed', reason: 'its body names no video' }
  return { kind: 'notice', video, body, signedAt }
}

function unsigned(reason: string): NoticeOutcome {
  return { kind: 'unsigned', reason }
}

/** As Stream has always written it. */
const USUAL = /^time=(\d{1,11}),sig1=([0-9a-fA-F]{64})$/

/** Null unless there is exactly one whole `time` and exactly one `sig1` of 32 bytes in hex. */
function parseSignature(header: string) {
  const [, time, digest] = USUAL.exec(header) ?? []
  if (time === undefined || digest === undefined) return parseUnusual(header)
  return { time, digest: bytesOf(digest) }
}

/** Other pairs are left aside, as a sig2 may come one day. */
function parseUnusual(header: string) {
  // An honest one has 92 characters.
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

/** `hex` has digits only. */
function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length / 2)
  for (let index = 0; index < bytes.length; index += 1)
    bytes[index] = 16 * digitAt(hex, 2 * index) + digitAt(hex, 2 * index + 1)
  return bytes
}

function digitAt(hex: string, place: number): number {
  const code = hex.charCodeAt(place)
  // '0' to '9' are 0x30 to 0x39; letters of either case count from 1 in their last four bits.
  return code < 0x40 ? code - 0x30 : (code & 0xf) + 9
}

async function isSignedByAny(
  isSigned: IsSigned,
  secrets: readonly string[],
  digest: Uint8Array<ArrayBuffer>,
  source: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  let found = false
  for (const secret of secrets) {
    // An empty secret would be one that everybody knows.
    if (secret === '') continue
    // All are tried, so that time tells nothing.
    if (await isSigned(secret, source, digest)) found = true
  }
  return found
}

/** Null when the bytes are not UTF-8. */
function decode(bytes: Uint8Array): string | null {
  try {
    return utf8Reader.decode(bytes)
  } catch {
    return null
  }
}

/** Undefined when the text is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
