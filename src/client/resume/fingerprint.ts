/** Storage keys of uploads: by gateway, creator, file and settings. */
import { joinBytes } from '../sources/join-bytes.ts'
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

/**
 * Returns the same key for the same file and settings. The content is hashed, because a Blob has
 * neither name nor date. Settings that are dates are excluded: they differ in each call.
 * @throws UploadError SOURCE_FAILED if the file cannot be read; the signal's reason on abort
 */
export async function uploadKey(
  prefix: string,
  file: Pick<SourceFile, 'name' | 'size' | 'lastModified' | 'type' | 'sample'>,
  input: UploadInput,
  signal?: AbortSignal,
): Promise<string> {
  const { expiry: _expiry, scheduledDeletion: _deletion, ...settings } = input
  const properties = [file.name, file.size, file.lastModified, file.type, settings]
  const parts = [encode(properties)]
  for (const part of await file.sample(signal)) parts.push(await bytesInMemory(part))
  return prefix + (await digest(joinBytes(parts)))
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
