/** Validates minted uids and upload URLs. */
import type { MintedVideo } from '../uploads/ports/stream-api.ts'
import { fieldsOf, readText } from './json-fields.ts'
import { isVideoUid } from './read-video.ts'

/** Reads `{ uid, uploadURL }` of `direct_upload`; null if either is not usable. */
export function readMinted(result: unknown): MintedVideo | null {
  const { uid, uploadURL } = fieldsOf(result)
  return toMintedVideo(readText(uid), readText(uploadURL))
}

export function toMintedVideo(uid: string | null, uploadURL: string | null): MintedVideo | null {
  if (uid === null || !isVideoUid(uid) || !isMintedUrl(uploadURL)) return null
  return { uid, uploadURL }
}

/** Whether the text is an http or https URL without credentials. */
export function isMintedUrl(text: string | null): text is string {
  const url = text === null ? null : parseUrl(text)
  if (url === null) return false
  return /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}

function parseUrl(text: string): URL | null {
  try {
    return new URL(text)
  } catch {
    return null
  }
}
