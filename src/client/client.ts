/** `headgate/client`: from a file to a video that plays, in a browser or in Node. */
import { type ClientClock, realClock } from './clock.ts'
import { deleteUpload } from './delete-upload.ts'
import { findUpload } from './gateway/find-upload.ts'
import { prefixFor } from './resume/fingerprint.ts'
import { createLocks } from './resume/web-locks.ts'
import type { ClientParts } from './dependencies.ts'
import { type RememberedUpload, createMemory } from './resume/resume-store.ts'
import type { Upload } from './gateway/upload.ts'
import { uploadFile } from './upload-file.ts'
import type { UploadOptions } from './upload-options.ts'
import { type UploadStorage, createDefaultStorage } from './resume/upload-storage.ts'
import { watchUpload } from './gateway/watch-upload.ts'

export type { JsonObject } from './shape.ts'
export type { RememberedUpload } from './resume/resume-store.ts'
export type { Upload, UploadProtocol, UploadStatus } from './gateway/upload.ts'
export { UploadError, type UploadErrorCode, type UploadProblem } from './upload-error.ts'
export type { UploadOptions, UploadTerms } from './upload-options.ts'
export type { UploadProgress } from './progress.ts'
export { type UploadStorage, createMemoryStorage } from './resume/upload-storage.ts'

export interface UploadClientOptions {
  /** Of the gateway's GraphQL door, such as `https://uploads.example.com/graphql`. */
  readonly url: string | URL
  /**
   * The caller's JWT, without "Bearer". A function is asked before every request, so that a token
   * may be renewed on the way. Left out where the gateway asks for none.
   */
  readonly token?: string | (() => string | Promise<string>) | undefined
  /** Where unfinished uploads are remembered: localStorage where there is one, else memory. */
  readonly storage?: UploadStorage | undefined
  /**
   * How often in a row anything is tried again before it fails: 8, which is about a minute and a
   * half with the pauses between. Too many mints at once count, where the wait is a minute at most.
   */
  readonly retries?: number | undefined
  /** The platform's own where left out; one that sends cookies, say. */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** Real time where left out; for tests. */
  readonly clock?: ClientClock | undefined
}

/** Everything rejects with an UploadError, with the reason of a signal, or with what `token` threw. */
export interface UploadClient {
  /**
   * Brings the file to READY, by the protocol that suits it. Called again with the same file and
   * terms after a pause, a failure or a reload, it goes on from where Stream has got to.
   */
  upload(file: Blob | Uint8Array, options?: UploadOptions): Promise<Upload>
  /** The upload as it stands, then each change, to READY, ERROR, EXPIRED or DELETED. */
  watch(uid: string, options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<Upload>
  /** Null where there is none, or it is not the caller's. */
  find(uid: string): Promise<Upload | null>
  /**
   * Gives up an upload that is under way, whose `upload` then rejects with DELETED, or deletes the
   * video; its storage is free again. The upload, now DELETED.
   */
  delete(uid: string): Promise<Upload>
  /** The caller's unfinished uploads on this device, newest first: choose the file again to go on. */
  resumable(): Promise<readonly RememberedUpload[]>
}

const DEFAULT_RETRIES = 8

/**
 * A client for one gateway and one caller.
 * @example
 * const client = createUploadClient({ url: 'https://uploads.example.com/graphql', token })
 * try {
 *   const { video } = await client.upload(file, {
 *     maxDurationSeconds: 3600,
 *     onProgress: ({ phase, fraction }) => { bar.value = fraction },
 *   })
 *   player.src = video.hlsURL
 * } catch (error) {
 *   if (!(error instanceof UploadError)) throw error
 *   if (error.code === 'QUOTA_EXCEEDED') say(`${error.availableMinutes} minutes are left.`)
 * }
 */
export function createUploadClient(options: UploadClientOptions): UploadClient {
  const { token, clock = realClock } = options
  const parts: ClientParts = {
    url: String(options.url),
    // Called as a method of anything else, a browser's fetch fails.
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    token: async () => (typeof token === 'function' ? token() : (token ?? null)),
    clock,
    retries: options.retries ?? DEFAULT_RETRIES,
    memory: createMemory(options.storage ?? createDefaultStorage(), () => clock.now()),
    locks: createLocks(),
    underWay: new Map(),
  }
  return {
    upload: (file, uploadOptions = {}) => uploadFile(parts, blobOf(file), uploadOptions),
    watch: (uid, { signal } = {}) => watchUpload(parts, uid, signal),
    find: (uid) => findUpload(parts, uid, undefined),
    delete: (uid) => deleteUpload(parts, uid, undefined),
    async resumable() {
      const remembered = await parts.memory.list(await prefixFor(parts.url, await parts.token()))
      return remembered.map(({ upload }) => upload)
    },
  }
}

function blobOf(file: Blob | Uint8Array): Blob {
  if (!(file instanceof Uint8Array)) return file
  const { buffer, byteOffset, byteLength } = file
  // What several threads share may change while it is sent: it is copied first.
  const bytes =
    buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, byteLength) : file.slice()
  return new Blob([bytes])
}
