/**
 * A signal that is never given: nobody asks a Worker to stop, the runtime ends it between requests.
 * One of the runtime's own would belong to the request that made it, and could not be asked by others.
 */
export class NeverAborts extends EventTarget implements AbortSignal {
  readonly aborted = false
  readonly reason: unknown = undefined
  readonly onabort = null

  throwIfAborted(): void {}

  /** Nobody will be called, and so nobody need be remembered. */
  override addEventListener(): void {}

  override removeEventListener(): void {}
}
