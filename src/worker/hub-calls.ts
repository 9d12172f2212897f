/** What the hub does for the Worker's requests: each is a call that travels to it. */
import type { Allowances } from '../allowances/allowances.ts'
import type { Hub } from '../events/durable-object.ts'
import type { SyncReport } from '../uploads/sync-uploads.ts'

export interface HubCalls extends Hub, Allowances {
  /** Says that somebody looked at this upload just now, and may look again. */
  glance(uid: string): Promise<void>
  /** One round of synchronisation, after the one that is under way. */
  round(): Promise<SyncReport>
}
