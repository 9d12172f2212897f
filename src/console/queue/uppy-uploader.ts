/** An uploader for Uppy that brings each file to READY by `headgate/client`. */
import {
  BasePlugin,
  type Body,
  type Meta,
  type PluginOpts,
  type Uppy,
  type UppyFile,
} from '@uppy/core'
import { UploadError, type UploadProgress } from '../../client/client.ts'
import { type Turns, createTurns } from './semaphore.ts'

/** Uploads at once: each holds a connection to the gateway, and a browser has six. */
const AT_ONCE = 3

/** Why a file stopped, where nothing went wrong. */
export const PAUSED = 'paused'
const REMOVED = 'removed'

export interface UploaderOptions extends PluginOpts {
  /** Brings the file to READY, from wherever it had got to. */
  readonly send: (
    fileId: string,
    signal: AbortSignal,
    onProgress: (progress: UploadProgress) => void,
  ) => Promise<void>
}

/** Pausing, resuming and removing are Uppy's own; the bytes are the client's. */
export class HeadgateUploader<M extends Meta, B extends Body> extends BasePlugin<
  UploaderOptions,
  M,
  B
> {
  /** What stops a file that is being sent, by its id. */
  readonly #underWay = new Map<string, AbortController>()
  /** What lets a paused file go on, or ends it. */
  readonly #paused = new Map<string, (isOver: boolean) => void>()
  readonly #turns: Turns = createTurns(AT_ONCE)

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
    this.uppy.on('upload-pause', this.#pauseOrGoOn)
    this.uppy.on('file-removed', this.#remove)
  }

  override uninstall(): void {
    this.uppy.removeUploader(this.#uploadAll)
    this.uppy.off('upload-pause', this.#pauseOrGoOn)
    this.uppy.off('file-removed', this.#remove)
  }

  readonly #uploadAll = async (fileIds: string[]): Promise<void> => {
    this.uppy.emit('upload-start', this.uppy.getFilesByIds(fileIds))
    await Promise.all(fileIds.map((fileId) => this.#upload(fileId)))
  }

  /** Until it is READY, has failed or was removed; pauses lie in between. */
  async #upload(fileId: string): Promise<void> {
    for (;;) {
      const stopping = new AbortController()
      this.#underWay.set(fileId, stopping)
      try {
        await this.#sendInTurn(fileId, stopping.signal)
        this.#forget(fileId)
        return
      } catch (error) {
        if (stopping.signal.reason === REMOVED) return
        if (stopping.signal.reason !== PAUSED) {
          const file = this.#find(fileId)
          if (file !== null) this.uppy.emit('upload-error', file, errorOf(error))
          this.#forget(fileId)
          return
        }
        if (await this.#untilResumed(fileId)) return
      } finally {
        this.#underWay.delete(fileId)
      }
    }
  }

  async #sendInTurn(fileId: string, signal: AbortSignal): Promise<void> {
    const giveUp = await this.#turns.take(signal)
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
      giveUp()
    }
  }

  readonly #pauseOrGoOn = (file: UppyFile<M, B> | undefined, isPaused: boolean): void => {
    if (file === undefined) return
    if (isPaused) this.#underWay.get(file.id)?.abort(PAUSED)
    else this.#paused.get(file.id)?.(false)
  }

  readonly #remove = ({ id }: UppyFile<M, B>): void => {
    this.#underWay.get(id)?.abort(REMOVED)
    this.#paused.get(id)?.(true)
  }

  /** What is over is Uppy's no more: it would try a failed file again with the next one. */
  #forget(fileId: string): void {
    this.#underWay.delete(fileId)
    if (this.#find(fileId) !== null) this.uppy.removeFile(fileId)
  }

  /** Whether it is over, rather than to go on. */
  #untilResumed(fileId: string): Promise<boolean> {
    return new Promise((resolve) => {
      this.#paused.set(fileId, (isOver) => {
        this.#paused.delete(fileId)
        resolve(isOver)
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
