/** Storage keys of uploads: by gateway, creator, file and settings. */
import { joinBytes } from '../bytes.ts'
import { type SourceFile, bytesInMemory } from '../sources/source-file.ts'
import type { UploadInput } from '../upload-input.ts'
import { digest } from './digest.ts'

/**
 * Prefix of all keys of this creator at this gateway. It holds the creator as a digest: users of
 * one browser neither see each other's uploads nor learn each other's identity.
 */
export async function creatorKeyPrefix(url: string, token: string | null): Promise<string> {
  const creator = token === null ? null : (subjectOf(token) ?? token)
  return `headgate:${await digest(encode([url, creator]))}:`
}

/** What tells a file from others. */
export type IdentifiedFile = Pick<SourceFile, 'name' | 'size' | 'lastModified' | 'type' | 'sample'>

/**
 * Returns the same key for the same file and settings. Settings that are dates are excluded: they differ in each
 * call. The measured duration is not part of `input`, because measuring may fail the next time.
 * @throws UploadError SOURCE_FAILED if the file cannot be read; the signal's reason on abort
 */
export async function uploadKey(
  prefix: string,
  file: IdentifiedFile,
  input: UploadInput,
  signal?: AbortSignal,
): Promise<string> {
  const { expiry: _expiry, scheduledDeletion: _deletion, ...settings } = input
  return prefix + (await digestOf(file, [settings], signal))
}

/** Returns the same digest for the same file, whatever its settings. Throws like `uploadKey`. */
export function fileDigest(file: IdentifiedFile, signal?: AbortSignal): Promise<string> {
  return digestOf(file, [], signal)
}

/** The content is hashed too, because a Blob has neither name nor date. */
async function digestOf(
  file: IdentifiedFile,
  others: readonly unknown[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const identity = [encode([file.name, file.size, file.lastModified, file.type, ...others])]
  for (const sample of await file.sample(signal)) identity.push(await bytesInMemory(sample))
  return digest(joinBytes(identity))
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

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value))
}
