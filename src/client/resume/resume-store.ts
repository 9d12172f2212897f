/** What is remembered of an upload until it is finished, so that it can go on after a reload. */
import { type Read, flag, isObject, nullable, number, object, oneOf, text } from '../shape.ts'
import type { UploadStorage } from './upload-storage.ts'

/**
 * One upload that is not finished. Its URL is not in it: that is a secret, which the gateway gives
 * again to the upload's creator for as long as it can be used.
 */
export type RememberedUpload = Read<typeof rememberedUpload>

const rememberedUpload = object({
  uid: text,
  protocol: oneOf(['BASIC', 'TUS']),
  /** The file's; null where it has none. */
  name: nullable(text),
  sizeBytes: number,
  /** Media type, such as "video/mp4"; empty where the browser does not know. */
  type: text,
  /** Of the form of a basic upload. */
  formField: text,
  /** Of a tus upload; null for a basic one. */
  chunkSizeBytes: nullable(number),
  /** Whether all of it is up: only the end has to be awaited, without the file. */
  isSent: flag,
  /** RFC 3339, both. */
  mintedAt: text,
  expiresAt: text,
})

/** Forgotten so long after its URL lapsed: whatever was sent by then is processed by now. */
const KEEP_MS = 86_400_000

/** The uploads of one creator at one gateway. */
export interface Memory {
  recall(key: string): Promise<RememberedUpload | null>
  remember(key: string, upload: RememberedUpload): Promise<void>
  forget(key: string): Promise<void>
  /** All whose key begins so, newest first, with their keys. */
  list(prefix: string): Promise<readonly { key: string; upload: RememberedUpload }[]>
}

/** A storage that fails, because it is full or forbidden, only costs resuming: nothing rejects. */
export function createMemory(storage: UploadStorage, now: () => Date): Memory {
  async function recall(key: string): Promise<RememberedUpload | null> {
    const upload = read(await storage.getItem(key))
    if (upload !== null && Date.parse(upload.expiresAt) + KEEP_MS > now().getTime()) return upload
    await storage.removeItem(key)
    return null
  }

  return {
    recall: (key) => orElse(null, () => recall(key)),
    remember: (key, upload) =>
      orElse(undefined, async () => storage.setItem(key, JSON.stringify(upload))),
    forget: (key) => orElse(undefined, async () => storage.removeItem(key)),
    list: (prefix) =>
      orElse([], async () => {
        const keys = (await storage.keys()).filter((key) => key.startsWith(prefix))
        const uploads = await Promise.all(
          keys.map(async (key) => ({ key, upload: await recall(key) })),
        )
        return uploads
          .flatMap(({ key, upload }) => (upload === null ? [] : [{ key, upload }]))
          .toSorted((a, b) => b.upload.mintedAt.localeCompare(a.upload.mintedAt))
      }),
  }
}

async function orElse<T>(otherwise: T, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt()
  } catch {
    return otherwise
  }
}

function read(item: string | null): RememberedUpload | null {
  if (item === null) return null
  const value: unknown = JSON.parse(item)
  return isObject(value) && rememberedUpload.is(value) ? value : null
}
