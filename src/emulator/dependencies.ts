/** Dependencies of the emulator's APIs and hosts; each function picks those it needs. */
import type { AdjustableClock } from './clock.ts'
import type { Connections } from './connections.ts'
import type { EmulatorDatabase } from './state/database.ts'
import type { ExpiredUploads } from './state/expired-uploads.ts'
import type { Faults } from './faults.ts'
import type { WebhookDispatcher } from './webhooks/dispatcher.ts'
import type { RequestCounts } from './operations.ts'
import type { PlaybackTokens } from './playback/playback-tokens.ts'
import type { Renditions } from './remux/renditions.ts'
import type { SigningKeys } from './state/signing-keys.ts'
import type { Turns } from './turns.ts'
import type { UploadLocks } from './state/upload-locks.ts'
import type { VideoFiles } from './state/video-files.ts'
import type { VideoLibrary } from './state/video-library.ts'
import type { Watermarks } from './state/watermarks.ts'
import type { WebhookSettings } from './webhooks/webhook-settings.ts'
import type { Settings } from './settings.ts'

export interface EmulatorDependencies {
  readonly settings: Settings
  readonly clock: AdjustableClock
  readonly database: EmulatorDatabase
  readonly library: VideoLibrary
  readonly files: VideoFiles
  readonly renditions: Renditions
  readonly uploadLocks: UploadLocks
  readonly expiredUploads: ExpiredUploads
  readonly signingKeys: SigningKeys
  readonly playbackTokens: PlaybackTokens
  readonly watermarks: Watermarks
  readonly webhook: WebhookSettings
  readonly dispatcher: WebhookDispatcher
  readonly faults: Faults
  readonly requests: RequestCounts
  readonly connections: Connections
  readonly turns: Turns
  /** Receives internal errors of the emulator. */
  readonly onError: (error: unknown) => void
  /** Aborts when the emulator closes; every wait listens to it. */
  readonly closing: AbortSignal
}
