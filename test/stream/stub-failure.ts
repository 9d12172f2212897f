/** Makes calls of the REST adapter fail, and looks whether the error lets a secret out. */
import { inspect } from 'node:util'
import { expect } from 'vitest'
import type { StreamApi } from '../../src/uploads/ports/stream-api.ts'
import { StreamError } from '../../src/uploads/ports/stream-error.ts'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import type { HttpTransport } from '../../src/stream/rest/transport.ts'
import { startStubStream, type Answerer } from './stub-stream.ts'
import { accountId, apiToken, order, tusOrder, uid, uploadURL } from './stub-params.ts'

/** Stands for an answer's raw body: to be sent by stubs, and never to be seen in an error. */
export const secretBody = 'raw-body-that-must-stay-out'

/** One call of the port. */
export type Act = (backend: StreamApi) => Promise<unknown>
export const mint: Act = (backend) => backend.createDirectUpload(order)
export const mintTus: Act = (backend) => backend.createTusUpload(tusOrder)
export const find: Act = (backend) => backend.findVideo(uid)
export const remove: Act = (backend) => backend.deleteVideo(uid)

/** What a test may hand to the adapter; its usual patience is never tried. */
export interface Handed {
  readonly now?: () => Date
  readonly timeoutMs?: number
}

/** Calls that travel in this way. */
export function callsBy(send: HttpTransport) {
  /** The adapter, asking a stub. */
  function backendAt(url: string, handed: Handed = {}): StreamApi {
    const { timeoutMs = 10_000 } = handed
    const limits = { timeoutMs, creationTimeoutMs: timeoutMs }
    return createRestStreamApi({ accountId, apiToken, baseUrl: url, send, ...handed, ...limits })
  }

  /** The error of one call, which must have been sent once. */
  async function fail(answerer: Answerer, act: Act, handed: Handed = {}) {
    const stub = await startStubStream(answerer)
    const error = await caught(act(backendAt(stub.url, handed)))
    expect(stub.seen).toHaveLength(1)
    return error
  }

  return { backendAt, fail }
}

/** The StreamError that comes of a promise, proven to hold no secret. */
export async function caught(promise: Promise<unknown>): Promise<StreamError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof StreamError)) throw new Error('no StreamError', { cause: error })
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
