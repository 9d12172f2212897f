/** What the emulator is made of; every face is handed the parts that it needs. */
import type { AdvancingClock } from './clock.ts'
import type { EmulatorDatabase } from './state/database.ts'
import type { Faults } from './faults.ts'
import type { Notifier } from './webhooks/dispatcher.ts'
import type { RequestCounts } from './operations.ts'
import type { UploadClaims } from './state/upload-locks.ts'
import type { VideoFiles } from './state/video-files.ts'
import type { VideoLibrary } from './state/video-library.ts'
import type { WebhookBook } from './webhooks/webhook-settings.ts'

/** Settings that hold while the emulator runs. */
export interface Settings {
  readonly accountId: string
  readonly token: string
  /** The account's storage limit in minutes. */
  readonly storageMinutes: number
  /** How long the processing of a received file takes, in milliseconds. */
  readonly encodeMs: number
  /** How clients reach this listener, without a slash at the end. */
  readonly publicUrl: string
  /** Whether machines other than this one can reach this listener. */
  readonly reachableByOthers: boolean
}

export interface EmulatorParts {
  readonly settings: Settings
  readonly clock: AdvancingClock
  readonly database: EmulatorDatabase
  readonly library: VideoLibrary
  readonly files: VideoFiles
  readonly claims: UploadClaims
  readonly webhook: WebhookBook
  readonly notifier: Notifier
  readonly faults: Faults
  readonly requests: RequestCounts
  /** Told about failures of the emulator itself. */
  readonly onError: (error: unknown) => void
  /** Aborts when the emulator closes, so that nothing waits on. */
  readonly closing: AbortSignal
}
