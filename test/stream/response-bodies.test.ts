/** Requests whose caller needs the status, and the body only if it comes soon. */
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { TransportRequest } from '../../src/stream/rest/transport.ts'
import { type ResponseHandler, plainText, startStubStream } from './stub-stream.ts'
import { openTransports } from './transports.ts'

const request = (url: string, changes: Partial<TransportRequest> = {}): TransportRequest => ({
  purpose: 'deliver a callback',
  method: 'POST',
  url,
  headers: {},
  body: '{}',
  changes: true,
  timeoutMs: 10_000,
  bodyTimeoutMs: 20,
  ...changes,
})

const endless: ResponseHandler = (response) => {
  response.writeHead(200).write('o')
}

describe.each(openTransports())('with $name, a body', ({ send }) => {
  test('that does not end is not waited for, and its connection is closed', async () => {
    let closed: Promise<unknown> = Promise.resolve()
    const stub = await startStubStream((response, received) => {
      closed = once(response, 'close')
      endless(response, received)
    })
    expect(await send(request(stub.url))).toMatchObject({
      kind: 'failure',
      reason: 'timeout',
      status: 200,
    })
    await closed
  })

  test('that was begun when the caller aborts leaves the status', async () => {
    const controller = new AbortController()
    const stub = await startStubStream((response, received) => {
      const respond = received.url === '/endless' ? endless : plainText('ok', 200)
      respond(response, received)
    })
    const arrival = once(stub.arrivals, 'request')
    const url = `${stub.url}/endless`
    const aborted = send(request(url, { bodyTimeoutMs: 10_000 }), controller.signal)
    await arrival
    // The headers of the first response arrive before the second response.
    await send(request(stub.url))
    controller.abort()
    expect(await aborted).toMatchObject({ kind: 'failure', reason: 'timeout', status: 200 })
  })

  test('that ends in time is returned', async () => {
    const stub = await startStubStream(plainText('ok', 200))
    expect(await send(request(stub.url))).toMatchObject({ kind: 'response', text: 'ok' })
  })

  test('that does not begin until a shared deadline expires is a timeout', async () => {
    const started: (() => void)[] = []
    let stopped = 0
    const deadlines = {
      start(onExpired: () => void) {
        started.push(onExpired)
        return () => void (stopped += 1)
      },
    }
    const stub = await startStubStream((response, received) => {
      if (received.url !== '/silent') plainText('ok', 200)(response, received)
    })
    expect(await send(request(stub.url, { deadlines }))).toMatchObject({ kind: 'response' })
    const silent = send(request(`${stub.url}/silent`, { deadlines }))
    await once(stub.arrivals, 'request')
    started.at(-1)?.()
    expect(await silent).toMatchObject({ kind: 'failure', reason: 'timeout', status: null })
    expect([started.length, stopped]).toEqual([2, 2])
  })

  test('does not extend the time for the headers', async () => {
    const stub = await startStubStream(() => undefined)
    expect(await send(request(stub.url, { timeoutMs: 20 }))).toMatchObject({
      reason: 'timeout',
      status: null,
    })
    const controller = new AbortController()
    const reason = new Error('aborted by the caller')
    const aborted = send(request(stub.url), controller.signal)
    controller.abort(reason)
    await expect(aborted).rejects.toBe(reason)
  })
})
