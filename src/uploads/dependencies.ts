/** What the domain is made with: the four ports, time, ids, policy and a place to write things down. */
import type { UploadEvents } from './ports/upload-pubsub.ts'
import type { UploadStore } from './ports/upload-store.ts'
import type { StreamBackend, StreamVideo } from './ports/stream-api.ts'
import type { Telemetry } from './ports/telemetry.ts'
import type { MintsUnderWay } from './create/create-upload.ts'
import type { DeletionsUnderWay } from './delete-upload.ts'
import type { Policy } from './policy.ts'
import type { RateLimit } from './caller-rate-limit.ts'
import type { Watchers } from './watch/watch-registry.ts'

/** Time, handed in, so that tests move it instead of waiting. */
export interface Clock {
  now(): Date
  /**
   * Milliseconds since some moment, by a clock that is never set back: what durations are measured by.
   * Of this process alone.
   */
  monotonicMs(): number
  /** Resolves after so many milliseconds of this clock; early, and without error, on abort. */
  wait(milliseconds: number, signal?: AbortSignal): Promise<void>
}

/** Structured logging: fields first, then a sentence. Never given a token, a URL or an answer. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** Whether lines of this level are written at all; where it is left out, they are. */
  isLevelEnabled?(level: 'debug'): boolean
}

/** Everything that the verbs in this folder need; each takes the few it uses. */
export interface Parts {
  readonly stream: StreamBackend
  /** The same for work that nobody waits for: it leaves what somebody waits for its share. */
  readonly backgroundStream: StreamBackend
  readonly store: UploadStore
  readonly events: UploadEvents
  readonly clock: Clock
  readonly log: Log
  /** What happens is told to it, for whoever operates the gateway. */
  readonly telemetry: Telemetry
  readonly policy: Policy
  readonly createLimit: RateLimit
  /** Deletions cost a request at Stream as mints do: as many are allowed. */
  readonly deleteLimit: RateLimit
  readonly watchers: Watchers
  /** Given when the gateway closes: subscriptions end, synchronisation stops. */
  readonly closing: AbortSignal
  readonly mintsUnderWay: MintsUnderWay
  readonly deletionsUnderWay: DeletionsUnderWay
  /** Reads a notice's body, as Stream sent it; null where it describes no video. */
  readVideo(body: string): StreamVideo | null
  /** A new reference of an upload; unique for ever. */
  newId(): string
}
