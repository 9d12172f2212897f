/** What the hub does for the Worker's requests: each is a call that travels to it. */
import type { Allowances } from '../uploads/ports/rate-limiter.ts'
import type { Hub } from '../pubsub/durable-object-pubsub.ts'
import type { SyncReport } from '../uploads/sync/synchronizer.ts'

export interface HubCalls extends Hub, Allowances {
  /** Says that somebody looked at this upload just now, and may look again. */
  glance(uid: string): Promise<void>
  /** One round of synchronisation, after the one that is under way. */
  round(): Promise<SyncReport>
}
