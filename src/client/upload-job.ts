/** What a client is asked to do with one file. */
import type { ProtocolChoice } from './choose-protocol.ts'
import type { ProgressTeller } from './progress.ts'
import type { UploadInput } from './upload-input.ts'
import type { UploadOptions } from './upload-options.ts'

/** What is to be done, and for whom. */
export interface Errand {
  readonly file: Blob
  readonly input: UploadInput
  /** By which the upload is remembered. */
  readonly key: string
  readonly choice: ProtocolChoice
  readonly options: UploadOptions
  readonly progress: ProgressTeller
  /** Aborts the errand: paused by its caller, or deleted. */
  readonly signal: AbortSignal
  readonly stop: (reason: unknown) => void
}
