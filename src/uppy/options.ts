/** Options of the plugin for Uppy, and what it adds to Uppy's files. */
import type { Meta, PluginOpts, UppyFile } from '@uppy/core'
import type {
  QueueFileOptions,
  Ready,
  Upload,
  UploadClient,
  UploadClientOptions,
} from '../client/client.ts'

/**
 * `response.body` of `upload-success` and of each file of `complete`: the READY upload, with its `uid` and `video`.
 * Pass it to Uppy: `new Uppy<Meta, UploadBody>()`.
 */
export type UploadBody = Ready<Upload>

export type HeadgateUploaderOptions<M extends Meta = Meta> = PluginOpts &
  /** A client, or the options to create one. */
  (UploadClientOptions | { readonly client: UploadClient }) & {
    /** Returns the options of a file; called when its upload is started or retried. */
    readonly settings?: (file: UppyFile<M, UploadBody>) => QueueFileOptions
    /** Files that are uploaded at the same time, each with one connection to the gateway. Default: 3. */
    readonly concurrency?: number
  }
