/** One upload, kept current by the list of all uploads, so that any number of uploads need one connection. */
import type { Upload, UploadClient, UploadError, UploadListSnapshot } from '../client/client.ts'
import { toUploadError, uploadError } from '../client/upload-error.ts'
import { type Source, createSource } from './source.ts'

/** What `useUpload` returns. */
export interface UseUploadResult {
  /** Null until it is known, and if it does not exist. Stays as it is while the connection is lost. */
  readonly upload: Upload | null
  /** Whether there is neither an upload nor an error yet. */
  readonly isLoading: boolean
  /** Whether the upload is current, and receives every change. */
  readonly isLive: boolean
  /**
   * Why the upload cannot be read now; null if it can. The code UPLOAD_NOT_FOUND means that it does not exist, or
   * belongs to another creator. Lost connections are opened again.
   */
  readonly error: UploadError | null
}

/** The result before the first response. */
export const LOADING_UPLOAD: UseUploadResult = {
  upload: null,
  isLoading: true,
  isLive: false,
  error: null,
}

/** @param list all uploads of the caller */
export function createUploadSource(
  client: UploadClient,
  list: Source<UploadListSnapshot, [changed: Upload | null]>,
  uid: string,
): Source<UseUploadResult> {
  return createSource(LOADING_UPLOAD, (set) => {
    let result = LOADING_UPLOAD
    /** Identifies the list's connection; null while it has none. */
    let connection: object | null = null

    function publish(change: Partial<UseUploadResult>): void {
      result = { ...result, isLoading: false, ...change }
      set(result)
    }

    function receive(upload: Upload): void {
      const isNewer = result.upload === null || upload.version > result.upload.version
      if (isNewer) publish({ upload, isLive: true, error: null })
      else if (!result.isLive || result.error !== null) publish({ isLive: true, error: null })
    }

    /** Reads an upload that the list's first page does not contain. Changes since then are in `update`. */
    async function read(of: object): Promise<void> {
      try {
        const upload = await client.find(uid)
        if (connection !== of) return
        if (upload !== null) receive(upload)
        else if (result.upload === null) publish({ isLive: true, error: notFound(uid) })
      } catch (error) {
        if (connection === of) publish({ error: toUploadError(error) })
      }
    }

    function update(changed: Upload | null): void {
      const { isLive, error, uploads } = list.getSnapshot()
      if (!isLive) {
        connection = null
        if (error !== null) publish({ isLive: false, error })
        else if (result.isLive) publish({ isLive: false })
        return
      }
      const isConnected = connection !== null
      connection ??= {}
      const found = changed?.uid === uid ? changed : uploads.find((upload) => upload.uid === uid)
      if (found !== undefined) receive(found)
      else if (!isConnected) void read(connection)
    }

    const unsubscribe = list.subscribe(update)
    update(null)
    return () => {
      connection = null
      unsubscribe()
    }
  })
}

function notFound(uid: string): UploadError {
  const message = `There is no upload with the uid ${uid}, or it belongs to another creator.`
  return uploadError(message, { code: 'UPLOAD_NOT_FOUND', uid })
}
