/** Injected dependencies of one client. */
import type { GatewayEndpoint } from './gateway/request.ts'
import type { LockManager } from './resume/web-locks.ts'
import type { ResumeStore } from './resume/resume-store.ts'
import type { RetryPolicy } from './retry.ts'

export interface ClientDependencies extends GatewayEndpoint, RetryPolicy {
  readonly resumeStore: ResumeStore
  readonly locks: LockManager
  /** Stop functions of the active uploads of this client, by uid. */
  readonly activeUploads: Map<string, (reason: unknown) => void>
}
