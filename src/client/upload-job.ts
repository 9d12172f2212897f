/** Data of one `upload()` call. */
import type { ProtocolChoice } from './choose-protocol.ts'
import type { ProgressReporter } from './progress.ts'
import type { SourceFile } from './sources/source-file.ts'
import type { TransferBudget } from './transfer/transfer.ts'
import type { UploadInput } from './upload-input.ts'
import type { UploadOptions } from './upload-options.ts'

export interface UploadJob {
  readonly file: SourceFile
  readonly input: UploadInput
  /** Key in the resume store. */
  readonly key: string
  /** The expected protocol; a new upload has it, unless the gateway chooses another. */
  readonly choice: ProtocolChoice
  readonly reliableConnection: boolean
  readonly options: UploadOptions
  readonly progress: ProgressReporter
  readonly budget: TransferBudget
  /** Aborts when the caller pauses the upload or deletes it. */
  readonly signal: AbortSignal
  readonly stop: (reason: unknown) => void
}
