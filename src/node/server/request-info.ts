/** Request info for the access log: request id, start time, client address. */
import type { IncomingMessage } from 'node:http'
import { clientAddress, clientNetwork, isFromTrustedProxy } from './client-address.ts'
import { type TrustedProxies } from '../../config/trusted-proxies.ts'
import { METHOD_OVERRIDE, effectiveMethod } from '../../http/tus/tus-request.ts'

export interface RequestInfo {
  readonly requestId: string
  /** By `performance.now()`. */
  readonly startedAt: number
  /** Returns the client's address, or null if unknown. */
  readonly client: () => string | null
}

export interface RequestInfoReader {
  /** Returns the client's address, or null if unknown. */
  readonly addressOf: (req: IncomingMessage) => string | null
  /** Returns the network of the client's address, or null if unknown. */
  readonly networkOf: (req: IncomingMessage) => string | null
  /** Returns the `X-Request-Id` of a trusted proxy, or a new id. */
  readonly requestIdOf: (req: IncomingMessage) => string
  readonly requestOf: (req: IncomingMessage) => RequestInfo
}

/** Returns the method for logs and metrics. */
export function methodOf({ url = '', method = '', headers }: IncomingMessage): string {
  const override = headers[METHOD_OVERRIDE]
  return effectiveMethod(url, method, typeof override === 'string' ? override : null)
}

/** @param nextId returns the proxy's id if it is well-formed, else a new one */
export function createRequestInfoReader(
  nextId: (proxyId?: string | null) => string,
  trustedProxies: TrustedProxies,
): RequestInfoReader {
  function addressOf(req: IncomingMessage): string | null {
    // `headersDistinct` parses all headers again, so it is read only if the header exists.
    const isForwarded = req.headers['x-forwarded-for'] !== undefined
    const forwardedFor = isForwarded ? req.headersDistinct['x-forwarded-for']?.join() : undefined
    return clientAddress(req.socket.remoteAddress, forwardedFor, trustedProxies)
  }

  function requestIdOf(req: IncomingMessage): string {
    const proxyId = req.headers['x-request-id']
    const isTrusted =
      typeof proxyId === 'string' && isFromTrustedProxy(req.socket.remoteAddress, trustedProxies)
    return nextId(isTrusted ? proxyId : null)
  }

  return {
    addressOf,
    networkOf(req) {
      const address = addressOf(req)
      return address === null ? null : clientNetwork(address)
    },
    requestIdOf,
    requestOf: (req) => ({
      requestId: requestIdOf(req),
      startedAt: performance.now(),
      client: () => addressOf(req),
    }),
  }
}
