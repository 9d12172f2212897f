/** Calls that are given up by the caller, and fetches that behave badly. */
import { describe, expect, test } from 'vitest'
import { createRestBackend } from '../../src/stream/rest.ts'
import { backendAt, caught } from './stub-failure.ts'
import { dripping, startStubStream, success, type Answerer } from './stub-stream.ts'
import { accountId, apiToken, order, uid, uploadURL } from './stub-orders.ts'

describe("a caller's own abort", () => {
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

  test('a fetch that minds no signal is left behind all the same', async () => {
    const backend = createRestBackend({ accountId, apiToken, fetch: deaf, timeoutMs: 20 })
    expect(await caught(backend.findVideo(uid))).toMatchObject({ kind: 'unavailable' })
  })

  test('a fetch that quotes the token is not quoted', async () => {
    const error = await caught(
      createRestBackend({ accountId, apiToken, fetch: talkative }).findVideo(uid),
    )
    expect(error.message).toBe('Stream could not show a video: the connection failed (TypeError).')
  })
})

function deaf(): Promise<Response> {
  return new Promise(() => undefined)
}

function talkative(): Promise<Response> {
  return Promise.reject(new TypeError(`bad header: Bearer ${apiToken}`))
}
