/** Who is sending to an upload URL right now: one at a time, and the dead do not count. */
import type { IncomingMessage } from 'node:http'

interface Claim {
  readonly request: IncomingMessage
  readonly done: Promise<void>
}

export class UploadClaims {
  readonly #claims = new Map<string, Claim>()

  /** The function that gives the claim back; null while somebody else is sending. */
  async take(uid: string, request: IncomingMessage): Promise<(() => void) | null> {
    await this.settled(uid)
    if (this.#claims.has(uid)) return null
    const { promise: done, resolve } = withResolvers()
    this.#claims.set(uid, { request, done })
    return () => {
      this.#claims.delete(uid)
      resolve()
    }
  }

  /**
   * Waits until a sender whose connection is gone has put down its last bytes. Without this a client
   * that reconnects at once would read an offset that still grows.
   */
  async settled(uid: string): Promise<void> {
    const claim = this.#claims.get(uid)
    if (claim !== undefined && claim.request.destroyed) await claim.done
  }
}

/** Promise.withResolvers, which Node 20 does not have yet. */
function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  const settle: { resolve?: () => void } = {}
  const promise = new Promise<void>((resolve) => {
    settle.resolve = resolve
  })
  return { promise, resolve: () => settle.resolve?.() }
}
