/** Injected dependencies of one client. */
import type { WatchDependencies } from './gateway/watch-upload.ts'
import type { LockManager } from './resume/web-locks.ts'
import type { ResumeStore } from './resume/resume-store.ts'

export interface ClientDependencies extends WatchDependencies {
  readonly resumeStore: ResumeStore
  readonly locks: LockManager
  /** Stop functions of the active uploads of this client, by uid. */
  readonly activeUploads: Map<string, (reason: unknown) => void>
}

const dependenciesByClient = new WeakMap<object, ClientDependencies>()

/** Records what a client was created with, so that a queue can be created for it. */
export function recordDependencies(client: object, dependencies: ClientDependencies): void {
  dependenciesByClient.set(client, dependencies)
}

/** @throws TypeError if the client is not one of `createUploadClient` of this copy of the package */
export function dependenciesOf(client: object): ClientDependencies {
  const dependencies = dependenciesByClient.get(client)
  if (dependencies === undefined)
    throw new TypeError('The client must be the result of createUploadClient, and no copy of it.')
  return dependencies
}
