/** Dependencies of the use cases: ports, clock, id generator, policy, logger. */
import type { CallbackRecorder } from './callbacks/callback-recorder.ts'
import type { CreationStore } from './ports/creation-store.ts'
import type { UploadPubSub } from './ports/upload-pubsub.ts'
import type { UploadStore } from './ports/upload-store.ts'
import type { StreamApi, StreamVideo } from './ports/stream-api.ts'
import type { Telemetry } from './ports/telemetry.ts'
import type { CreateUploadOutcome, DeleteUploadOutcome } from './outcomes.ts'
import type { Policy } from './policy.ts'
import type { CallerRateLimit } from './caller-rate-limit.ts'
import type { PageTurns } from './ports/page-turns.ts'
import type { PlaybackTokens } from './ports/playback-tokens.ts'
import type { WatchRegistry } from './ports/watch-registry.ts'
import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'

/** All dependencies; each use case picks what it needs. */
export interface Dependencies {
  readonly stream: StreamApi
  /** The same API for background work, with lower priority in the request budget than client requests. */
  readonly backgroundStream: StreamApi
  readonly store: UploadStore
  /** The writes of creations into `store`, under `createLimit`. */
  readonly creations: CreationStore
  /** Records changes for the application; null if it is not told of any. */
  readonly callbacks: CallbackRecorder | null
  readonly pubsub: UploadPubSub
  readonly clock: Clock
  readonly log: Logger
  /** Metrics and traces for operators. */
  readonly telemetry: Telemetry
  readonly policy: Policy
  readonly createLimit: CallerRateLimit
  /** Same limit as for creations, because a deletion also costs one request to Stream. */
  readonly deleteLimit: CallerRateLimit
  /** Same limit again: a change costs one request to Stream. */
  readonly updateLimit: CallerRateLimit
  readonly playbackTokens: PlaybackTokens
  /** Same limit as for creations, because a token costs one request to Stream; null if the gateway signs tokens. */
  readonly playbackLimit: CallerRateLimit | null
  readonly watchRegistry: WatchRegistry
  /** Aborted on shutdown: subscriptions end and the sync loop stops. */
  readonly closing: AbortSignal
  /**
   * Active creations by caller, idempotency key and input: concurrent requests share the outcome, or wait if their
   * tokens contain other limits.
   */
  readonly mintsInFlight: Map<string, Promise<CreateUploadOutcome>>
  /** Active deletions by caller and uid: concurrent requests share the outcome. */
  readonly deletionsInFlight: Map<string, Promise<DeleteUploadOutcome>>
  /** Active changes by uid: one after the other. */
  readonly updatesInFlight: Map<string, Promise<unknown>>
  readonly pageTurns: PageTurns
  /** Parses a webhook body as Stream sent it; null if it does not describe a video. */
  readVideo(body: string): StreamVideo | null
  /** Returns a new, globally unique upload id (the reference in Stream's meta). */
  newId(): string
}
