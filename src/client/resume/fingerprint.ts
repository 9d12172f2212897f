/** By which name an upload is remembered: whose it is, and which file with which terms. */
import { hexOf, randomHex } from '../hex.ts'
import { type UploadInput, nameOf } from '../upload-input.ts'

/** Bytes at both ends of a file that are looked at: enough to tell any two videos apart. */
const SAMPLE_BYTES = 65_536

/**
 * What all keys of this creator at this gateway begin with. The creator is in it as a digest: two
 * people who share a browser never meet each other's uploads, nor read who the other one is.
 */
export async function prefixFor(url: string, token: string | null): Promise<string> {
  const creator = token === null ? null : (subjectOf(token) ?? token)
  const whose = new TextEncoder().encode(JSON.stringify([url, creator]))
  return `headgate:${await digest(whose)}:`
}

/**
 * The same file, uploaded with the same terms, has the same key; its content is looked at, because a
 * Blob has no name and no date. Terms that name a moment do not count: they differ at each call.
 */
export async function keyOf(prefix: string, file: Blob, input: UploadInput): Promise<string> {
  const { expiry: _expiry, scheduledDeletion: _deletion, ...terms } = input
  const facts = [
    nameOf(file),
    file.size,
    'lastModified' in file ? file.lastModified : null,
    file.type,
    terms,
  ]
  const sample = new Blob([
    JSON.stringify(facts),
    file.slice(0, SAMPLE_BYTES),
    file.slice(Math.max(SAMPLE_BYTES, file.size - SAMPLE_BYTES)),
  ])
  return prefix + (await digest(await sample.arrayBuffer()))
}

/** The `sub` of a JWT, unverified: the gateway verifies it. Null where it is no JWT. */
function subjectOf(token: string): string | null {
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
 * 128 bits of SHA-256, in hex. A page without TLS has no digests: there nothing is recognised again,
 * so that nothing is ever mixed up. https://developer.mozilla.org/en-US/docs/Web/API/Crypto/subtle
 */
async function digest(bytes: BufferSource): Promise<string> {
  const subtle: SubtleCrypto | undefined = globalThis.crypto.subtle
  if (subtle === undefined) return randomHex()
  return hexOf(new Uint8Array(await subtle.digest('SHA-256', bytes), 0, 16))
}
