/** Uppy uploader plug-in over `headgate/client`. */
import {
  BasePlugin,
  type Body,
  type Meta,
  type PluginOpts,
  type Uppy,
  type UppyFile,
} from '@uppy/core'
import { UploadError, type UploadProgress } from '../../client/client.ts'
import { type Semaphore, createSemaphore } from './semaphore.ts'

/** Concurrent uploads: each holds a connection to the gateway, and a browser allows six. */
const MAX_CONCURRENT_UPLOADS = 3

/** Abort reason of a pause. */
export const PAUSED = 'paused'
const REMOVED_REASON = 'removed'

export interface UploaderOptions extends PluginOpts {
  /** Uploads the file until it is READY; resumes where possible. */
  readonly send: (
    fileId: string,
    signal: AbortSignal,
    onProgress: (progress: UploadProgress) => void,
  ) => Promise<void>
}

/** Uppy handles pause, resume and removal; the client transfers the bytes. */
export class HeadgateUploader<M extends Meta, B extends Body> extends BasePlugin<
  UploaderOptions,
  M,
  B
> {
  /** Abort controllers of active uploads, by file id. */
  readonly #active = new Map<string, AbortController>()
  /** Resume functions of paused uploads, by file id; `true` ends the upload. */
  readonly #paused = new Map<string, (isRemoved: boolean) => void>()
  readonly #semaphore: Semaphore = createSemaphore(MAX_CONCURRENT_UPLOADS)

  constructor(uppy: Uppy<M, B>, options: UploaderOptions) {
    super(uppy, options)
    this.id = 'HeadgateUploader'
    this.type = 'uploader'
  }

  override install(): void {
    const { individualCancellation: _none, ...capabilities } = this.uppy.getState().capabilities
    this.uppy.setState({
      capabilities: { ...capabilities, individualCancellation: true, resumableUploads: true },
    })
    this.uppy.addUploader(this.#uploadAll)
    this.uppy.on('upload-pause', this.#pauseOrResume)
    this.uppy.on('file-removed', this.#remove)
  }

  override uninstall(): void {
    this.uppy.removeUploader(this.#uploadAll)
    this.uppy.off('upload-pause', this.#pauseOrResume)
    this.uppy.off('file-removed', this.#remove)
  }

  readonly #uploadAll = async (fileIds: string[]): Promise<void> => {
    this.uppy.emit('upload-start', this.uppy.getFilesByIds(fileIds))
    await Promise.all(fileIds.map((fileId) => this.#upload(fileId)))
  }

  /** Settles when the file is READY, failed or removed, over any number of pauses. */
  async #upload(fileId: string): Promise<void> {
    for (;;) {
      const controller = new AbortController()
      this.#active.set(fileId, controller)
      try {
        await this.#uploadWithSemaphore(fileId, controller.signal)
        this.#removeFinished(fileId)
        return
      } catch (error) {
        if (controller.signal.reason === REMOVED_REASON) return
        if (controller.signal.reason !== PAUSED) {
          const file = this.#find(fileId)
          if (file !== null) this.uppy.emit('upload-error', file, errorOf(error))
          this.#removeFinished(fileId)
          return
        }
        if (await this.#untilResumed(fileId)) return
      } finally {
        this.#active.delete(fileId)
      }
    }
  }

  async #uploadWithSemaphore(fileId: string, signal: AbortSignal): Promise<void> {
    const release = await this.#semaphore.acquire(signal)
    try {
      await this.opts.send(fileId, signal, ({ sentBytes, totalBytes }) => {
        const file = this.#find(fileId)
        if (file === null) return
        const uploadStarted = file.progress.uploadStarted ?? Date.now()
        this.uppy.emit('upload-progress', file, {
          uploadStarted,
          bytesUploaded: sentBytes,
          bytesTotal: totalBytes,
        })
      })
      const file = this.#find(fileId)
      if (file !== null) this.uppy.emit('upload-success', file, { status: 200 })
    } finally {
      release()
    }
  }

  readonly #pauseOrResume = (file: UppyFile<M, B> | undefined, isPaused: boolean): void => {
    if (file === undefined) return
    if (isPaused) this.#active.get(file.id)?.abort(PAUSED)
    else this.#paused.get(file.id)?.(false)
  }

  readonly #remove = ({ id }: UppyFile<M, B>): void => {
    this.#active.get(id)?.abort(REMOVED_REASON)
    this.#paused.get(id)?.(true)
  }

  /** Removes a finished file from Uppy, which would retry failed files with the next upload. */
  #removeFinished(fileId: string): void {
    this.#active.delete(fileId)
    if (this.#find(fileId) !== null) this.uppy.removeFile(fileId)
  }

  /** Resolves on resume or removal; true if the file was removed. */
  #untilResumed(fileId: string): Promise<boolean> {
    return new Promise((resolve) => {
      this.#paused.set(fileId, (isRemoved) => {
        this.#paused.delete(fileId)
        resolve(isRemoved)
      })
    })
  }

  #find(fileId: string): UppyFile<M, B> | null {
    return this.uppy.getState().files[fileId] ?? null
  }
}

function errorOf(error: unknown): { name: string; message: string } {
  return error instanceof UploadError
    ? { name: error.name, message: error.message }
    : { name: 'Error', message: 'The upload failed.' }
}
