/** What is said of a request where it is noted: its name, and who sent it. */
import type { IncomingMessage } from 'node:http'
import { type TrustedProxies, clientAddress, isFromTrusted } from './client-address.ts'

/** Which request it was. */
export interface Incoming {
  readonly requestId: string
  /** By `performance.now()`. */
  readonly startedAt: number
  /** The client's address; null where it is not known. */
  readonly client: () => string | null
}

export interface IncomingReader {
  /** Null where it is not known. */
  readonly addressOf: (req: IncomingMessage) => string | null
  /** Only a proxy that is believed may name a request. */
  readonly nameOf: (req: IncomingMessage) => string
  readonly requestOf: (req: IncomingMessage) => Incoming
}

/** @param nextId names a request: as it is given, where that will do, or anew */
export function createIncomingReader(
  nextId: (given?: string | null) => string,
  trustedProxies: TrustedProxies,
): IncomingReader {
  function addressOf(req: IncomingMessage): string | null {
    // Node sets all headers out anew for the distinct ones: only where there is something to read.
    const isForwarded = req.headers['x-forwarded-for'] !== undefined
    const forwardedFor = isForwarded ? req.headersDistinct['x-forwarded-for']?.join() : undefined
    return clientAddress(req.socket.remoteAddress, forwardedFor, trustedProxies)
  }

  function nameOf(req: IncomingMessage): string {
    const given = req.headers['x-request-id']
    const isGiven =
      typeof given === 'string' && isFromTrusted(req.socket.remoteAddress, trustedProxies)
    return nextId(isGiven ? given : null)
  }

  return {
    addressOf,
    nameOf,
    requestOf: (req) => ({
      requestId: nameOf(req),
      startedAt: performance.now(),
      client: () => addressOf(req),
    }),
  }
}
