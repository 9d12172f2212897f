/** `headgate/client`: uploads a file until its video plays, and plays private videos, in a browser or in Node. */
import { type ClientClock, systemClock } from './clock.ts'
import { deleteUpload } from './delete-upload.ts'
import { findUpload } from './gateway/find-upload.ts'
import { gatewayURL } from './gateway/gateway-url.ts'
import { creatorKeyPrefix } from './resume/fingerprint.ts'
import { renewPlayback } from './gateway/renew-playback.ts'
import { locksOf } from './resume/web-locks.ts'
import { type ClientDependencies, recordDependencies } from './dependencies.ts'
import { createResumeStore } from './resume/resume-store.ts'
import { uploadFile } from './upload-file.ts'
import type { UploadClient } from './upload-client.ts'
import { type UploadStorage, createDefaultStorage } from './resume/upload-storage.ts'
import { watchUpload } from './gateway/watch-upload.ts'

export type { JsonObject } from './shape.ts'
export type { Playback } from './gateway/playback.ts'
export type { PlaybackOptions } from './gateway/renew-playback.ts'
export type { ResumableUpload } from './resume/resume-store.ts'
export { type Ready, type SelectedUpload, isReady, isTerminal } from './ready-upload.ts'
export type { Upload, UploadProtocol, UploadStatus } from './gateway/upload.ts'
export { UploadError, type UploadErrorCode, type UploadErrorDetails } from './upload-error.ts'
export type { UploadOptions, UploadSettings } from './upload-options.ts'
export type { UploadProgress } from './progress.ts'
export type { UploadClient } from './upload-client.ts'
export type { NativeFile, NodeFileHandle, StreamSource, UploadSource } from './upload-source.ts'
export type { UploadListSnapshot } from './list/list-snapshot.ts'
export {
  type UploadFilter,
  type UploadList,
  type UploadListOptions,
  createUploadList,
} from './list/upload-list.ts'
export {
  type UploadQueue,
  type UploadQueueOptions,
  createUploadQueue,
} from './queue/upload-queue.ts'
export type { QueuedUpload, QueueFileOptions, QueueState } from './queue/queued-upload.ts'
export { type UploadStorage, createMemoryStorage } from './resume/upload-storage.ts'

export interface UploadClientOptions {
  /**
   * URL of the gateway's GraphQL endpoint, such as `https://uploads.example.com/graphql`. In a page it may be
   * relative, such as `/graphql`.
   */
  readonly url: string | URL
  /**
   * JWT of the caller, without "Bearer". A function is called before every request, so that it can
   * renew the token. Omit it if the gateway requires no token.
   */
  readonly token?: string | (() => string | Promise<string>) | undefined
  /** Storage of unfinished uploads. Default: localStorage, or memory if it is unavailable. */
  readonly storage?: UploadStorage | undefined
  /**
   * Maximum consecutive retries before an operation fails. Default: 8, which is 45 to 92 seconds of backoff.
   * Rate-limit errors are retried too, if the wait is at most a minute.
   */
  readonly retries?: number | undefined
  /** Default: the platform's `fetch`. Replace it to send cookies, for example. It must stream responses. */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** Default: real time. For tests. */
  readonly clock?: ClientClock | undefined
}

const DEFAULT_RETRIES = 8

/**
 * Creates a client for one gateway and one caller.
 * @throws UploadError INVALID_INPUT if `url` is no http or https URL, or is relative outside a page
 * @example
 * const client = createUploadClient({ url: 'https://uploads.example.com/graphql', token })
 * try {
 *   const { video } = await client.upload(file, {
 *     maxDurationSeconds: 3600,
 *     onProgress: ({ phase, fraction }) => { bar.value = fraction },
 *   })
 *   console.log(`${video.durationSeconds} seconds`)
 * } catch (error) {
 *   if (!(error instanceof UploadError)) throw error
 *   if (error.code === 'QUOTA_EXCEEDED') say(`${error.availableMinutes} minutes are left.`)
 * }
 */
export function createUploadClient(options: UploadClientOptions): UploadClient {
  const { token, clock = systemClock, storage = createDefaultStorage() } = options
  const dependencies: ClientDependencies = {
    url: gatewayURL(options.url),
    // In browsers, fetch throws if it is called as a method of another object.
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    // The `fetch` of React Native reads responses to their end.
    canStream: options.fetch !== undefined || 'body' in Response.prototype,
    token: async () => (typeof token === 'function' ? token() : (token ?? null)),
    clock,
    retries: options.retries ?? DEFAULT_RETRIES,
    resumeStore: createResumeStore(storage, () => clock.now()),
    locks: locksOf(storage),
    activeUploads: new Map(),
  }
  const client: UploadClient = {
    upload: (file, uploadOptions = {}) => uploadFile(dependencies, file, uploadOptions),
    watch: (uid, { signal } = {}) => watchUpload(dependencies, uid, signal),
    find: (uid) => findUpload(dependencies, uid, undefined),
    delete: (uid) => deleteUpload(dependencies, uid, undefined),
    playback: (uid, playbackOptions = {}) => renewPlayback(dependencies, uid, playbackOptions),
    async resumable() {
      const stored = await dependencies.resumeStore.list(
        await creatorKeyPrefix(dependencies.url, await dependencies.token()),
      )
      return stored.map(({ upload }) => upload)
    },
  }
  recordDependencies(client, dependencies)
  return client
}
