/**
 * Parses the `Upload-Metadata` header of a tus creation.
 * https://developers.cloudflare.com/stream/uploading-videos/direct-creator-uploads/#upload-metadata-header-syntax
 */
import { badRequest } from '../api-error.ts'

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
// "The key MUST NOT contain spaces and commas and MUST NOT be empty. The key SHOULD be ASCII encoded"
const KEY = /^[!-+\--~]+$/

/** Returns decoded values by key, in its original case. Throws an ApiError (400). */
export function parseUploadMetadata(header: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>()
  if (header.trim() === '') return pairs
  for (const pair of header.split(',')) {
    // Some clients put a space after the comma; trimming is safe, because keys contain no space.
    const [key = '', value = '', ...rest] = pair.trim().split(' ')
    if (!KEY.test(key) || rest.length > 0) {
      throw badRequest('Upload-Metadata must be pairs of a key, a space and a base64 value')
    }
    if (!BASE64.test(value) || value.length % 4 !== 0) {
      throw badRequest(`Upload-Metadata: the value of "${key.slice(0, 100)}" is not base64`)
    }
    // "All keys MUST be unique." https://tus.io/protocols/resumable-upload#upload-metadata
    if (pairs.has(key)) throw badRequest(`Upload-Metadata: "${key.slice(0, 100)}" comes twice`)
    pairs.set(key, Buffer.from(value, 'base64').toString('utf8'))
  }
  return pairs
}
