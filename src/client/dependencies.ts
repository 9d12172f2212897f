/** What one client is made of; each verb takes the few parts it uses. */
import type { GatewayDoor } from './gateway/request.ts'
import type { Locks } from './resume/web-locks.ts'
import type { Memory } from './resume/resume-store.ts'
import type { Patience } from './retry.ts'

export interface ClientParts extends GatewayDoor, Patience {
  readonly memory: Memory
  readonly locks: Locks
  /** What stops an upload that is under way in this client, by its uid. */
  readonly underWay: Map<string, (reason: unknown) => void>
}
