/** The methods of a client. */
import type { Playback } from './gateway/playback.ts'
import type { PlaybackOptions } from './gateway/renew-playback.ts'
import type { Upload } from './gateway/upload.ts'
import type { Ready } from './ready-upload.ts'
import type { ResumableUpload } from './resume/resume-store.ts'
import type { UploadOptions } from './upload-options.ts'
import type { UploadSource } from './upload-source.ts'

/** All methods reject with an UploadError, the reason of a signal, or an error of `token`. */
export interface UploadClient {
  /**
   * Uploads the file and resolves when it is READY. Chooses the protocol by file size and connection. After a
   * pause, a failure or a reload, a call with the same file and settings resumes at Stream's offset.
   */
  upload(file: UploadSource, options?: UploadOptions): Promise<Ready<Upload>>
  /** Yields the current upload, then each change. Ends after READY, ERROR, EXPIRED or DELETED. */
  watch(uid: string, options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<Upload>
  /** Returns the upload; null if it does not exist or belongs to another creator. */
  find(uid: string): Promise<Upload | null>
  /**
   * Cancels an active upload, or deletes the video, and frees its storage. The `upload` call of a canceled
   * upload rejects with DELETED. Returns the DELETED upload.
   */
  delete(uid: string): Promise<Upload>
  /**
   * Yields the addresses of a READY video, then new ones before they expire. Ends when the video cannot be
   * played any more: at once without addresses if it does not exist, is not READY, or belongs to another creator.
   * The addresses of a public video do not expire: they are yielded once. Abort the signal to stop.
   */
  playback(uid: string, options?: PlaybackOptions): AsyncIterable<Playback>
  /** Returns the caller's unfinished uploads on this device, newest first. `upload` with the same file resumes them. */
  resumable(): Promise<readonly ResumableUpload[]>
}
