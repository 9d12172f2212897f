/**
 * `headgate/uppy`: uploader plugin for Uppy 5. Uppy shows the files; the client of headgate sends them and waits
 * until their videos play.
 */
import { BasePlugin, type Meta, type PluginOpts, type Uppy, type UppyFile } from '@uppy/core'
import {
  type Ready,
  type Upload,
  type UploadClient,
  type UploadClientOptions,
  type UploadError,
  type UploadOptions,
  type UploadProgress,
  createUploadClient,
  isReady,
  isTerminal,
} from '../client/client.ts'
import { deletedError, expiredError, failedError } from '../client/terminal-errors.ts'
import { invalidInput } from '../client/upload-error.ts'
import { ActiveUpload } from './active-upload.ts'
import { type Slots, createSlots } from './slots.ts'

export { UploadError } from '../client/client.ts'

/**
 * `response.body` of `upload-success` and of each file of `complete`: the READY upload, with its `uid` and `video`.
 * Pass it to Uppy: `new Uppy<Meta, UploadBody>()`.
 */
export type UploadBody = Ready<Upload>

/** Settings of one file: the options of `client.upload`, without those that Uppy replaces. */
export type FileSettings = Omit<UploadOptions, 'onProgress' | 'signal'>

export type HeadgateUploaderOptions<M extends Meta = Meta> = PluginOpts &
  /** A client, or the options to create one. */
  (UploadClientOptions | { readonly client: UploadClient }) & {
    /** Settings of a file; called when it is uploaded, and again after a pause. The name is `file.meta.name` by default. */
    readonly settings?: (file: UppyFile<M, UploadBody>) => FileSettings
    /** Files that are uploaded at the same time, at least 1. Each has a connection to the gateway. Default: 3. */
    readonly concurrency?: number
  }

const DEFAULT_CONCURRENCY = 3

/** Uploads the local files of Uppy. Each upload succeeds when its video is READY. */
export class HeadgateUploader<M extends Meta = Meta> extends BasePlugin<
  HeadgateUploaderOptions<M>,
  M,
  UploadBody
> {
  readonly #client: UploadClient
  readonly #slots: Slots
  /** By file id, from the start until success, failure or removal. */
  readonly #active = new Map<string, ActiveUpload>()
  readonly #failed = new Set<string>()
  #isInstalled = false

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
    const { concurrency = DEFAULT_CONCURRENCY } = options
    if (!Number.isInteger(concurrency) || concurrency < 1)
      throw new RangeError('HeadgateUploader: concurrency must be an integer of at least 1.')
    this.#client = 'client' in options ? options.client : createUploadClient(options)
    this.#slots = createSlots(concurrency)
  }

  override install(): void {
    this.#isInstalled = true
    this.#setCapabilities(true)
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
    for (const active of this.#active.values()) active.end()
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
    await Promise.all(files.map(({ id }) => this.#upload(id)))
  }

  async #upload(id: string): Promise<void> {
    const active = new ActiveUpload()
    this.#active.set(id, active)
    this.#failed.delete(id)
    try {
      const upload = await this.#untilReady(id, active)
      const file = this.#find(id)
      const { previewURL } = upload.video
      if (file !== null && !active.isEnded)
        this.uppy.emit('upload-success', file, {
          status: 200,
          body: upload,
          ...(previewURL === null ? {} : { uploadURL: previewURL }),
        })
    } catch (error) {
      if (!active.isEnded) this.#fail(id, error)
    } finally {
      if (this.#active.get(id) === active) this.#active.delete(id)
    }
  }

  /** Runs the upload as often as it is resumed. Rejects when it fails or ends. */
  async #untilReady(id: string, active: ActiveUpload): Promise<UploadBody> {
    for (;;) {
      const signal = active.start()
      try {
        if (this.#find(id)?.isPaused === true) active.pause()
        const running = this.#slots.run(signal, () => this.#run(id, active, signal))
        return await Promise.race([running, active.ended])
      } catch (error) {
        if (active.isEnded || !signal.aborted) throw error
      }
      if (this.#find(id)?.isPaused === true)
        await Promise.race([active.untilResumed(), active.ended])
    }
  }

  async #run(id: string, active: ActiveUpload, signal: AbortSignal): Promise<UploadBody> {
    const file = this.uppy.getFile(id)
    if (file.isRemote) throw this.#invalidFile('remoteFile', file)
    const { data, meta, progress } = file
    const settings: FileSettings = { name: meta.name, ...this.opts.settings?.(file) }
    if (data === undefined) {
      const sent = progress.uploadComplete === true ? await this.#findSent(file, settings) : null
      if (sent === null) throw this.#invalidFile('chooseAgain', file)
      return this.#watch(id, sent, signal)
    }
    return this.#client.upload(data, {
      ...settings,
      signal,
      onProgress: (event) => {
        active.uid = event.upload?.uid ?? active.uid
        active.isMinting = event.phase === 'minting'
        if (active.isCanceled) {
          active.pause()
          this.#delete(active)
        } else if (!signal.aborted) this.#showProgress(id, event)
      },
    })
  }

  /** Returns the uid of a file whose bytes Stream received before a reload; null if this device does not know it. */
  async #findSent(
    { size }: UppyFile<M, UploadBody>,
    { name }: FileSettings,
  ): Promise<string | null> {
    const resumable = await this.#client.resumable()
    return (
      resumable.find((entry) => entry.isSent && entry.name === name && entry.sizeBytes === size)
        ?.uid ?? null
    )
  }

  async #watch(id: string, uid: string, signal: AbortSignal): Promise<UploadBody> {
    for await (const upload of this.#client.watch(uid, { signal })) {
      if (isReady(upload)) return upload
      if (upload.status === 'ERROR') throw failedError(upload)
      if (upload.status === 'EXPIRED') throw expiredError(uid)
      if (isTerminal(upload)) throw deletedError(uid)
      this.#showEncoding(id, upload.progress.encodingPercent)
    }
    throw signal.reason
  }

  #showProgress(id: string, { phase, sentBytes, totalBytes, encodingPercent }: UploadProgress) {
    const file = this.#find(id)
    if (file === null || phase === 'ready') return
    const isSent = phase === 'processing'
    const uploadStarted = file.progress.uploadStarted ?? Date.now()
    const started = { uploadStarted, bytesUploaded: sentBytes, bytesTotal: totalBytes }
    this.uppy.emit('upload-progress', file, started)
    if ((file.progress.uploadComplete ?? false) !== isSent) {
      // Uppy then offers no pause, and Golden Retriever drops its copy of the file.
      const percentage = Math.round((sentBytes / totalBytes) * 100)
      this.uppy.setFileState(id, { progress: { ...started, percentage, uploadComplete: isSent } })
    }
    if (isSent) this.#showEncoding(id, encodingPercent)
  }

  #showEncoding(id: string, percent: number | null): void {
    const message = this.i18n('encoding')
    const file = this.#find(id)
    if (file === null) return
    this.uppy.emit(
      'postprocess-progress',
      file,
      percent === null
        ? { mode: 'indeterminate', message }
        : { mode: 'determinate', message, value: percent / 100 },
    )
  }

  #fail(id: string, error: unknown): void {
    const file = this.#find(id)
    if (file === null) return
    this.#failed.add(id)
    const uploadStarted = file.progress.uploadStarted ?? Date.now()
    const bytesTotal = file.size
    this.uppy.setFileState(id, {
      progress: { uploadStarted, bytesUploaded: 0, bytesTotal, percentage: 0 },
      // Uppy then accepts the same file again.
      isGhost: file.data === undefined,
    })
    this.uppy.emit('upload-error', file, error instanceof Error ? error : new Error(String(error)))
  }

  #invalidFile(message: string, { name }: UppyFile<M, UploadBody>): UploadError {
    return invalidInput([{ path: ['file'], message: this.i18n(message, { file: name }) }])
  }

  readonly #followPauses = (): void => {
    for (const [id, active] of this.#active) {
      if (this.#find(id)?.isPaused === true) active.pause()
      else active.resume()
    }
  }

  readonly #resumeAll = (): void => {
    this.#followPauses()
    // Uppy removes the errors of failed files too, as if they were uploaded again.
    for (const id of this.#failed) void this.uppy.retryUpload(id)
  }

  readonly #cancel = ({ id }: UppyFile<M, UploadBody>): void => {
    this.#failed.delete(id)
    const active = this.#active.get(id)
    if (active === undefined) return
    // `uppy.destroy()` removes all files, and the plugin right after that.
    queueMicrotask(() => {
      if (!this.#isInstalled) return
      active.cancel()
      this.#delete(active)
    })
  }

  /** Deletes what was minted for a canceled file, which also ends its transfer. */
  #delete(active: ActiveUpload): void {
    const { uid } = active
    if (uid === null || active.isDeleted) return
    active.isDeleted = true
    this.#client.delete(uid).catch((error: unknown) => this.uppy.log(error, 'warning'))
  }

  #find(id: string): UppyFile<M, UploadBody> | null {
    return this.uppy.getState().files[id] ?? null
  }
}
