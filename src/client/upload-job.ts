/** Data of one run of an upload. */
import type { PreparedUpload } from './prepare-upload.ts'
import type { ProgressReporter } from './progress.ts'
import type { TransferBudget } from './transfer/transfer.ts'

export interface UploadJob extends PreparedUpload {
  readonly progress: ProgressReporter
  readonly budget: TransferBudget
  /** Aborts when the caller pauses the upload or deletes it. */
  readonly signal: AbortSignal
  readonly stop: (reason: unknown) => void
}
