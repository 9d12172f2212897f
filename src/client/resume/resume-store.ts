/** Stores unfinished uploads, so that they can be resumed after a reload. */
import {
  type TypeOf,
  flag,
  isObject,
  nullable,
  number,
  object,
  oneOf,
  optional,
  text,
} from '../shape.ts'
import type { UploadStorage } from './upload-storage.ts'

/**
 * One unfinished upload, without its URL: that is a secret. The gateway returns it to the upload's
 * creator for as long as it can be used.
 */
export type ResumableUpload = TypeOf<typeof parseResumableUpload>

const parseResumableUpload = object({
  uid: text,
  protocol: oneOf(['BASIC', 'TUS']),
  /** Name of the file; null if it has none. */
  name: nullable(text),
  sizeBytes: number,
  /** Media type, such as "video/mp4"; empty if the browser does not know it. */
  type: text,
  /** Form field of a basic upload. */
  formField: text,
  /** Recommendation of the gateway for tus uploads; null for basic ones. */
  chunkSizeBytes: nullable(number),
  /** Whether all bytes were sent: only the terminal status is missing, and no file is needed. */
  isSent: flag,
  /** Bytes of a tus upload that were sent, a second ago at most; undefined before. Stream's offset is decisive. */
  sentBytes: optional(number),
  /** Digest of the file without the settings. */
  fileDigest: optional(text),
  /** Whether playback requires a signed token. */
  requireSignedURLs: optional(flag),
  /** Both times are RFC 3339. */
  mintedAt: text,
  expiresAt: text,
})

/** Entries are deleted this long after their URL expired: by then Stream has processed the bytes. */
const RETENTION_MS = 86_400_000

/** Unfinished uploads by storage key. */
export interface ResumeStore {
  get(key: string): Promise<ResumableUpload | null>
  set(key: string, upload: ResumableUpload): Promise<void>
  delete(key: string): Promise<void>
  /** Returns the entries whose key has the prefix, newest first. */
  list(prefix: string): Promise<readonly { key: string; upload: ResumableUpload }[]>
}

/** Creates the store. Its methods never reject: if the storage is full or forbidden, uploads are not resumable. */
export function createResumeStore(storage: UploadStorage, now: () => Date): ResumeStore {
  async function load(key: string): Promise<ResumableUpload | null> {
    const upload = parse(await storage.getItem(key))
    if (upload !== null && Date.parse(upload.expiresAt) + RETENTION_MS > now().getTime())
      return upload
    await storage.removeItem(key)
    return null
  }

  return {
    get: (key) => ignoreErrors(null, () => load(key)),
    set: (key, upload) =>
      ignoreErrors(undefined, async () => storage.setItem(key, JSON.stringify(upload))),
    delete: (key) => ignoreErrors(undefined, async () => storage.removeItem(key)),
    list: (prefix) =>
      ignoreErrors([], async () => {
        const keys = (await storage.keys()).filter((key) => key.startsWith(prefix))
        const uploads = await Promise.all(
          keys.map(async (key) => ({ key, upload: await load(key) })),
        )
        return uploads
          .flatMap(({ key, upload }) => (upload === null ? [] : [{ key, upload }]))
          .toSorted((a, b) => b.upload.mintedAt.localeCompare(a.upload.mintedAt))
      }),
  }
}

async function ignoreErrors<T>(fallback: T, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt()
  } catch {
    return fallback
  }
}

function parse(item: string | null): ResumableUpload | null {
  if (item === null) return null
  const value: unknown = JSON.parse(item)
  return isObject(value) && parseResumableUpload.is(value) ? value : null
}
