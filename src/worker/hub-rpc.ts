/** RPC interface of the hub for the Worker's requests. */
import type { RateLimiter } from '../uploads/ports/rate-limiter.ts'
import type { HubPublisher } from '../pubsub/durable-object-pubsub.ts'
import type { SyncReport } from '../uploads/ports/telemetry.ts'

export interface HubRpc extends HubPublisher, RateLimiter {
  /** Records that the upload was viewed just now, so that its status is polled more often. */
  recordView(uid: string): Promise<void>
  /** Runs one sync, after the one in progress. */
  runSync(): Promise<SyncReport>
}
