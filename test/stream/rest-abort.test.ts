/** Calls that are given up by the caller, and fetches that behave badly. */
import { describe, expect, test } from 'vitest'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { createFetchTransport } from '../../src/stream/rest/fetch-transport.ts'
import { callsBy, caught } from './stub-failure.ts'
import { dripping, startStubStream, success, type Answerer } from './stub-stream.ts'
import { accountId, apiToken, order, uid, uploadURL } from './stub-params.ts'
import { ways } from './transports.ts'

describe.each(ways)("a caller's own abort, by $way", ({ send }) => {
  const { backendAt } = callsBy(send)
  const reason = new Error('the caller is gone')

  test('before the call: nothing is sent', async () => {
    const stub = await startStubStream(success({ uid, uploadURL }))
    const minting = backendAt(stub.url).createDirectUpload(order, AbortSignal.abort(reason))
    await expect(minting).rejects.toBe(reason)
    expect(stub.seen).toEqual([])
  })

  test.each<[string, Answerer]>([
    ['while waiting', () => undefined],
    ['while reading', dripping],
  ])('%s: it comes back as it is', async (_name, answerer) => {
    const controller = new AbortController()
    const stub = await startStubStream((response, request) => {
      answerer(response, request)
      controller.abort(reason)
    })
    const finding = backendAt(stub.url).findVideo(uid, controller.signal)
    await expect(finding).rejects.toBe(reason)
  })

  test('after the answer: the answer stands', async () => {
    const controller = new AbortController()
    const stub = await startStubStream(success({ uid }))
    const video = await backendAt(stub.url).findVideo(uid, controller.signal)
    controller.abort(reason)
    expect(video).toMatchObject({ uid })
  })
})

describe('a fetch', () => {
  test('that minds no signal is left behind all the same', async () => {
    const send = createFetchTransport(deaf)
    const backend = createRestStreamApi({ accountId, apiToken, send, timeoutMs: 20 })
    expect(await caught(backend.findVideo(uid))).toMatchObject({ kind: 'unavailable' })
  })

  test('that quotes the token is not quoted', async () => {
    const send = createFetchTransport(talkative)
    const error = await caught(createRestStreamApi({ accountId, apiToken, send }).findVideo(uid))
    expect(error.message).toBe(
      'Stream could not return a video: the connection failed (TypeError).',
    )
  })
})

function deaf(): Promise<Response> {
  return new Promise(() => undefined)
}

function talkative(): Promise<Response> {
  return Promise.reject(new TypeError(`bad header: Bearer ${apiToken}`))
}
