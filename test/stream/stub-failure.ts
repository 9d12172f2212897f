/** Makes calls of the REST adapter fail and checks that the error leaks no secret. */
import { inspect } from 'node:util'
import { expect } from 'vitest'
import type { StreamApi } from '../../src/uploads/ports/stream-api.ts'
import { StreamError } from '../../src/uploads/ports/stream-error.ts'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import type { HttpTransport } from '../../src/stream/rest/transport.ts'
import { startStubStream, type ResponseHandler } from './stub-stream.ts'
import { accountId, apiToken, directParams, tusParams, uid, uploadURL } from './stub-params.ts'

/** The body of stub responses; it must not appear in errors. */
export const secretBody = 'raw-body-that-must-stay-out'

/** One call of the port. */
export type StreamCall = (backend: StreamApi) => Promise<unknown>
export const mint: StreamCall = (backend) => backend.createDirectUpload(directParams)
export const mintTus: StreamCall = (backend) => backend.createTusUpload(tusParams)
export const find: StreamCall = (backend) => backend.findVideo(uid)
export const remove: StreamCall = (backend) => backend.deleteVideo(uid)

/** Options of the adapter in tests. The default timeouts of the adapter are not used. */
export interface AdapterOptions {
  readonly now?: () => Date
  readonly timeoutMs?: number
}

/** Returns functions that create an adapter with the transport, and call it. */
export function createCalls(send: HttpTransport) {
  /** Creates the adapter for a stub's URL. */
  function backendAt(url: string, options: AdapterOptions = {}): StreamApi {
    const { timeoutMs = 10_000 } = options
    const limits = { timeoutMs, creationTimeoutMs: timeoutMs }
    return createRestStreamApi({ accountId, apiToken, baseUrl: url, send, ...options, ...limits })
  }

  /** Returns the error of one call; expects that it sent one request. */
  async function fail(handler: ResponseHandler, act: StreamCall, options: AdapterOptions = {}) {
    const stub = await startStubStream(handler)
    const error = await streamErrorOf(act(backendAt(stub.url, options)))
    expect(stub.requests).toHaveLength(1)
    return error
  }

  return { backendAt, fail }
}

/** Returns the StreamError that the promise rejects with; expects that it contains no secret. */
export async function streamErrorOf(promise: Promise<unknown>): Promise<StreamError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof StreamError)) throw new Error('not a StreamError', { cause: error })
  const shown = [
    error.message,
    error.stack,
    JSON.stringify(error),
    inspect(error, { depth: 20, showHidden: true }),
  ].join('\n')
  for (const secret of [apiToken, apiToken.slice(0, 16), uploadURL, uid, secretBody, '/tus/'])
    expect(shown).not.toContain(secret)
  expect(error.message.length).toBeLessThan(400)
  return error
}
