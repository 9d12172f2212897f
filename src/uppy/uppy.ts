/**
 * `headgate/uppy`: uploader plugin for Uppy 5. Uppy shows the files; the client's queue uploads them and waits until
 * their videos play.
 */
import { BasePlugin, type Meta, type Uppy, type UppyFile } from '@uppy/core'
import {
  type QueueFileOptions,
  type QueuedUpload,
  type UploadClient,
  type UploadError,
  type UploadQueue,
  createUploadClient,
  createUploadQueue,
} from '../client/client.ts'
import { invalidInput } from '../client/upload-error.ts'
import type { HeadgateUploaderOptions, UploadBody } from './options.ts'

export { UploadError } from '../client/client.ts'
export type { HeadgateUploaderOptions, UploadBody } from './options.ts'

type File<M extends Meta> = UppyFile<M, UploadBody>

/** Uploads the local files of Uppy. Each upload succeeds when its video is READY. */
export class HeadgateUploader<M extends Meta = Meta> extends BasePlugin<
  HeadgateUploaderOptions<M>,
  M,
  UploadBody
> {
  readonly #client: UploadClient
  readonly #queue: UploadQueue
  /** Ids in the queue, by Uppy's id of the file; from the first upload until it is READY or removed. */
  readonly #queued = new Map<string, string>()
  /** Settle functions of the running uploads, by Uppy's id of the file. */
  readonly #running = new Map<string, () => void>()
  /** What Uppy shows, by Uppy's id of the file. */
  readonly #shown = new Map<string, QueuedUpload>()
  readonly #failed = new Set<string>()
  #isInstalled = false
  #isUpdating = false

  constructor(uppy: Uppy<M, UploadBody>, options: HeadgateUploaderOptions<M>) {
    super(uppy, options)
    this.id = options.id ?? 'HeadgateUploader'
    this.type = 'uploader'
    this.defaultLocale = {
      strings: {
        encoding: 'Encoding',
        chooseAgain: 'Choose %{file} again: the browser has not kept it.',
        remoteFile: '%{file} is not on this device. Download it, then choose it here.',
      },
    }
    this.i18nInit()
    this.#client = 'client' in options ? options.client : createUploadClient(options)
    const { concurrency } = options
    this.#queue = createUploadQueue(this.#client, { concurrency })
  }

  override install(): void {
    this.#isInstalled = true
    this.#setCapabilities(true)
    this.#queue.subscribe(this.#update)
    this.uppy.addUploader(this.#uploadFiles)
    this.uppy.on('file-removed', this.#cancel)
    this.uppy.on('upload-pause', this.#followPauses)
    this.uppy.on('pause-all', this.#followPauses)
    this.uppy.on('resume-all', this.#resumeAll)
  }

  /** Stops all uploads and deletes none: the same files resume them. `uppy.destroy()` calls it too. */
  override uninstall(): void {
    this.#isInstalled = false
    this.#setCapabilities(false)
    this.uppy.removeUploader(this.#uploadFiles)
    this.uppy.off('file-removed', this.#cancel)
    this.uppy.off('upload-pause', this.#followPauses)
    this.uppy.off('pause-all', this.#followPauses)
    this.uppy.off('resume-all', this.#resumeAll)
    this.#queue.close()
    for (const settle of this.#running.values()) settle()
  }

  #setCapabilities(isAvailable: boolean): void {
    this.uppy.setState({
      capabilities: {
        ...this.uppy.getState().capabilities,
        individualCancellation: isAvailable,
        resumableUploads: isAvailable,
      },
    })
  }

  /** Settles when every file has succeeded, failed or been removed. */
  readonly #uploadFiles = async (ids: string[]): Promise<void> => {
    // A restored file may have succeeded before the reload.
    const files = this.uppy
      .getFilesByIds(ids)
      .filter(({ progress, response }) => !progress.uploadComplete || response === undefined)
    // The event resets the progress, which a restored file keeps.
    this.uppy.emit(
      'upload-start',
      files.filter(({ isRestored, progress }) => !isRestored || progress.uploadStarted === null),
    )
    const ended = files.map(
      ({ id }) => new Promise<void>((resolve) => this.#running.set(id, resolve)),
    )
    // Files that are added in one task are minted together.
    for (const file of files) this.#start(file)
    this.#followPauses()
    this.#update()
    await Promise.all(ended)
  }

  #start(file: File<M>): void {
    const { id } = file
    this.#failed.delete(id)
    try {
      if (file.isRemote) throw this.#invalidFile('remoteFile', file)
      const options = { name: file.meta.name, ...this.opts.settings?.(file) }
      const queued = this.#queued.get(id)
      if (queued !== undefined) {
        this.#queue.retry(queued, options)
      } else if (file.data === undefined) {
        void this.#followSent(file, options)
      } else {
        for (const added of this.#queue.add([file.data], options)) this.#queued.set(id, added)
      }
    } catch (error) {
      this.#fail(id, error)
    }
  }

  /** Follows the upload of a file whose bytes Stream received before a reload, and which Uppy does not have any more. */
  async #followSent(file: File<M>, { name }: QueueFileOptions): Promise<void> {
    try {
      // Until then, the queue has listed it.
      await this.#client.resumable()
      const taken = new Set(this.#queued.values())
      const sent = this.#queue
        .getSnapshot()
        .filter(({ id, state }) => state !== 'needs-file' && !taken.has(id))
        .findLast((upload) => upload.name === name && upload.sizeBytes === file.size)
      if (sent === undefined || file.progress.uploadComplete !== true)
        throw this.#invalidFile('chooseAgain', file)
      if (this.#find(file.id) !== null) this.#queued.set(file.id, sent.id)
      this.#update()
    } catch (error) {
      this.#fail(file.id, error)
    }
  }

  /** Shows what has changed in the queue, after the current task: listeners of Uppy's events may change the queue. */
  readonly #update = (): void => {
    if (this.#isUpdating) return
    this.#isUpdating = true
    queueMicrotask(() => {
      this.#isUpdating = false
      const uploads = new Map(this.#queue.getSnapshot().map((upload) => [upload.id, upload]))
      for (const [id, queuedId] of this.#queued) {
        const upload = uploads.get(queuedId)
        if (upload === undefined || upload === this.#shown.get(id)) continue
        this.#shown.set(id, upload)
        this.#show(id, upload)
      }
    })
  }

  #show(id: string, upload: QueuedUpload): void {
    const file = this.#find(id)
    if (file === null || !this.#isInstalled) return
    switch (upload.state) {
      case 'uploading':
        this.#showSent(file, upload, false)
        break
      case 'processing':
        this.#showSent(file, upload, true)
        this.#showEncoding(file, upload.encodingPercent)
        break
      case 'ready':
        this.#succeed(file, upload.upload)
        break
      case 'failed':
        this.#fail(id, upload.error)
        break
      case 'waiting':
      case 'preparing':
      case 'paused':
      case 'needs-file':
    }
  }

  #showSent({ id, progress }: File<M>, { sentBytes, sizeBytes }: QueuedUpload, isSent: boolean) {
    const uploadStarted = progress.uploadStarted ?? Date.now()
    const started = { uploadStarted, bytesUploaded: sentBytes, bytesTotal: sizeBytes }
    this.uppy.emit('upload-progress', this.uppy.getFile(id), started)
    if ((progress.uploadComplete ?? false) === isSent) return
    // Of a file that is complete Uppy offers no pause, and Golden Retriever drops its copy.
    const percentage = Math.round((sentBytes / sizeBytes) * 100)
    this.uppy.setFileState(id, { progress: { ...started, percentage, uploadComplete: isSent } })
  }

  #showEncoding({ id }: File<M>, percent: number | null): void {
    const message = this.i18n('encoding')
    this.uppy.emit(
      'postprocess-progress',
      this.uppy.getFile(id),
      percent === null
        ? { mode: 'indeterminate', message }
        : { mode: 'determinate', message, value: percent / 100 },
    )
  }

  #succeed({ id }: File<M>, upload: UploadBody): void {
    this.#forget(id)
    const { previewURL } = upload.video
    this.uppy.emit('upload-success', this.uppy.getFile(id), {
      status: 200,
      body: upload,
      ...(previewURL === null ? {} : { uploadURL: previewURL }),
    })
    this.#settle(id)
  }

  #fail(id: string, error: unknown): void {
    const file = this.#find(id)
    if (file !== null && this.#isInstalled) {
      this.#failed.add(id)
      const uploadStarted = file.progress.uploadStarted ?? Date.now()
      const isGhost = file.data === undefined
      this.uppy.setFileState(id, {
        progress: { uploadStarted, bytesUploaded: 0, bytesTotal: file.size, percentage: 0 },
        // Uppy then accepts the same file again.
        isGhost,
      })
      if (isGhost) this.#forget(id)
      const reported = error instanceof Error ? error : new Error(String(error))
      this.uppy.emit('upload-error', this.uppy.getFile(id), reported)
    }
    this.#settle(id)
  }

  #settle(id: string): void {
    this.#running.get(id)?.()
    this.#running.delete(id)
  }

  /** Removes the file from the queue. What it has begun can be resumed. */
  #forget(id: string): void {
    const queued = this.#queued.get(id)
    this.#queued.delete(id)
    this.#shown.delete(id)
    if (queued !== undefined) this.#queue.remove(queued)
  }

  #invalidFile(message: string, { name }: File<M>): UploadError {
    return invalidInput([{ path: ['file'], message: this.i18n(message, { file: name }) }])
  }

  readonly #followPauses = (): void => {
    for (const [id, queued] of this.#queued) {
      if (this.#find(id)?.isPaused === true) this.#queue.pause(queued)
      else this.#queue.resume(queued)
    }
  }

  readonly #resumeAll = (): void => {
    this.#followPauses()
    // Uppy removes the errors of failed files too, as if they were uploaded again. Some fail again at once.
    const failed = [...this.#failed]
    for (const id of failed)
      this.uppy.retryUpload(id).catch((error: unknown) => this.uppy.log(error, 'warning'))
  }

  readonly #cancel = ({ id }: File<M>): void => {
    const queued = this.#queued.get(id)
    this.#queued.delete(id)
    this.#shown.delete(id)
    this.#failed.delete(id)
    this.#settle(id)
    if (queued === undefined) return
    // `uppy.destroy()` removes all files, and the plugin right after that.
    queueMicrotask(() => {
      if (!this.#isInstalled) return
      this.#queue.cancel(queued).catch((error: unknown) => this.uppy.log(error, 'warning'))
    })
  }

  #find(id: string): File<M> | null {
    return this.uppy.getState().files[id] ?? null
  }
}
