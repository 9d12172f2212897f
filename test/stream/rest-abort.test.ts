/** Calls that the caller aborts, and fetch functions that ignore signals or leak the token. */
import { describe, expect, test } from 'vitest'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { createFetchTransport } from '../../src/stream/rest/fetch-transport.ts'
import { createCalls, streamErrorOf } from './stub-failure.ts'
import { slowBody, startStubStream, success, type ResponseHandler } from './stub-stream.ts'
import { accountId, apiToken, directParams, uid, uploadURL } from './stub-params.ts'
import { openTransports } from './transports.ts'

describe.each(openTransports())("a caller's abort, with $name", ({ send }) => {
  const { backendAt } = createCalls(send)
  const reason = new Error('aborted by the caller')

  test('before the call sends no request', async () => {
    const stub = await startStubStream(success({ uid, uploadURL }))
    const minting = backendAt(stub.url).createDirectUpload(directParams, AbortSignal.abort(reason))
    await expect(minting).rejects.toBe(reason)
    expect(stub.requests).toEqual([])
  })

  test.each<[string, ResponseHandler]>([
    ['while waiting for the response', () => undefined],
    ['while reading the response', slowBody],
  ])('%s rejects with the reason of the abort', async (_name, handler) => {
    const controller = new AbortController()
    const stub = await startStubStream((response, request) => {
      handler(response, request)
      controller.abort(reason)
    })
    const finding = backendAt(stub.url).findVideo(uid, controller.signal)
    await expect(finding).rejects.toBe(reason)
  })

  test('after the response does not change the result', async () => {
    const controller = new AbortController()
    const stub = await startStubStream(success({ uid }))
    const video = await backendAt(stub.url).findVideo(uid, controller.signal)
    controller.abort(reason)
    expect(video).toMatchObject({ uid })
  })
})

describe('a fetch', () => {
  test('that ignores its signal times out', async () => {
    const send = createFetchTransport(ignoreSignal)
    const backend = createRestStreamApi({ accountId, apiToken, send, timeoutMs: 20 })
    expect(await streamErrorOf(backend.findVideo(uid))).toMatchObject({ kind: 'unavailable' })
  })

  test('whose error contains the token does not leak it', async () => {
    const send = createFetchTransport(leakToken)
    const error = await streamErrorOf(
      createRestStreamApi({ accountId, apiToken, send }).findVideo(uid),
    )
    expect(error.message).toBe(
      'Stream could not return a video: the connection failed (TypeError).',
    )
  })
})

function ignoreSignal(): Promise<Response> {
  return new Promise(() => undefined)
}

function leakToken(): Promise<Response> {
  return Promise.reject(new TypeError(`bad header: Bearer ${apiToken}`))
}
