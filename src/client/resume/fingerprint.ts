/** Storage keys of uploads: by gateway, creator, file and settings. */
import { toHex, randomHex } from '../hex.ts'
import { invalidInput } from '../upload-error.ts'
import { type UploadInput, fileNameOf } from '../upload-input.ts'

/** Bytes hashed at each end of a file: enough to distinguish any two videos. */
const SAMPLE_BYTES = 65_536

/**
 * Prefix of all keys of this creator at this gateway. It holds the creator as a digest: users of
 * one browser neither see each other's uploads nor learn each other's identity.
 */
export async function creatorKeyPrefix(url: string, token: string | null): Promise<string> {
  const creator = token === null ? null : (subjectOf(token) ?? token)
  const identity = new TextEncoder().encode(JSON.stringify([url, creator]))
  return `headgate:${await digest(identity)}:`
}

/**
 * Returns the same key for the same file and settings. Settings that are dates are excluded: they differ in each
 * call. The measured duration is not part of `input`, because measuring may fail the next time.
 */
export async function uploadKey(prefix: string, file: Blob, input: UploadInput): Promise<string> {
  const { expiry: _expiry, scheduledDeletion: _deletion, ...settings } = input
  return prefix + (await digestOf(file, [settings]))
}

/** Returns the same digest for the same file, whatever its settings. */
export function fileDigest(file: Blob): Promise<string> {
  return digestOf(file, [])
}

/** The content is hashed too, because a Blob has neither name nor date. */
async function digestOf(file: Blob, others: readonly unknown[]): Promise<string> {
  const properties = [
    fileNameOf(file),
    file.size,
    'lastModified' in file ? file.lastModified : null,
    file.type,
    ...others,
  ]
  const sample = new Blob([
    JSON.stringify(properties),
    file.slice(0, SAMPLE_BYTES),
    file.slice(Math.max(SAMPLE_BYTES, file.size - SAMPLE_BYTES)),
  ])
  return digest(await bytesOf(sample))
}

/** @throws UploadError if the file was moved or changed on disk since it was chosen */
async function bytesOf(sample: Blob): Promise<ArrayBuffer> {
  try {
    return await sample.arrayBuffer()
  } catch {
    throw invalidInput([{ path: ['file'], message: 'cannot be read. Choose it again.' }])
  }
}

/** Returns the `sub` of a JWT, unverified, because the gateway verifies it. Returns null if the token is not a JWT. */
export function subjectOf(token: string): string | null {
  try {
    const [, payload = ''] = token.split('.')
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (byte) =>
      byte.charCodeAt(0),
    )
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes))
    const subject: unknown = Reflect.get(Object(claims), 'sub')
    return typeof subject === 'string' ? subject : null
  } catch {
    return null
  }
}

/**
 * First 128 bits of SHA-256, in hex. Pages without TLS have no digests: a random value then prevents
 * resuming. https://developer.mozilla.org/en-US/docs/Web/API/Crypto/subtle
 */
async function digest(bytes: BufferSource): Promise<string> {
  const subtle: SubtleCrypto | undefined = globalThis.crypto.subtle
  if (subtle === undefined) return randomHex()
  return toHex(new Uint8Array(await subtle.digest('SHA-256', bytes), 0, 16))
}
