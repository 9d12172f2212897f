/** HTTP transport with persistent connections: sharing, no repeated requests, and shutdown. */
import { createServer, type Socket } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createUndiciTransport } from '../../src/node/undici-transport.ts'
import type { TransportRequest } from '../../src/stream/rest/transport.ts'
import { listenInTest } from '../kit/listen.ts'
import { json, plainText, startStubStream } from '../stream/stub-stream.ts'

function createTransport() {
  const transport = createUndiciTransport()
  onTestFinished(() => transport.close())
  return transport
}

function post(url: string, timeoutMs = 10_000): TransportRequest {
  const body = '{"maxDurationSeconds":1}'
  return { purpose: 'mint', method: 'POST', url, headers: {}, body, changes: true, timeoutMs }
}

/** A TCP server that calls `onRequest` with the number of the request over all connections. */
async function startRawServer(onRequest: (socket: Socket, count: number, data: Buffer) => void) {
  const sockets = new Set<Socket>()
  let requests = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (data) => onRequest(socket, (requests += 1), data))
  })
  const { origin } = await listenInTest(server)
  return { url: `${origin}/`, sockets, requests: () => requests }
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

describe('a connection', () => {
  test('is reused for consecutive requests', async () => {
    const server = await startRawServer((socket) => socket.write(OK))
    const { send } = createTransport()
    for (let count = 0; count < 20; count += 1)
      expect(await send(post(server.url))).toMatchObject({ kind: 'response', text: 'ok' })
    // Two connections alternate: after a response, undici does not reuse a connection in the same tick.
    expect(server.sockets.size).toBeLessThanOrEqual(2)
  })

  test.each(['GET', 'POST'] as const)(
    'that the server closes during a %s fails the request, which is not sent again',
    async (method) => {
      const server = await startRawServer((socket, count) => {
        if (count === 5) socket.end()
        else socket.write(OK)
      })
      const { send } = createTransport()
      const request = { ...post(server.url), method }
      for (let count = 1; count < 5; count += 1)
        expect(await send(request)).toMatchObject({ kind: 'response' })
      expect(await send(request)).toMatchObject({
        kind: 'failure',
        reason: 'connection',
        status: null,
        mayHaveBeenSent: true,
      })
      expect(server.requests()).toBe(5)
      expect(await send(request)).toMatchObject({ kind: 'response' })
    },
  )
})

test('reports a request as not sent if the TLS handshake fails', async () => {
  const server = await startRawServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  const outcome = await createTransport().send(post(server.url.replace('http:', 'https:')))
  expect(outcome).toMatchObject({
    kind: 'failure',
    reason: 'connection',
    mayHaveBeenSent: false,
  })
})

describe('concurrent requests', () => {
  test('share at most 128 connections, and all get responses', async () => {
    const server = await startRawServer((socket) => setImmediate(() => socket.write(OK)))
    const { send } = createTransport()
    const all = await Promise.all(Array.from({ length: 500 }, () => send(post(server.url))))
    expect(all.filter(({ kind }) => kind === 'response')).toHaveLength(500)
    expect(server.sockets.size).toBeLessThanOrEqual(128)
  })

  test('are reported as not sent if they time out while waiting for a connection', async () => {
    const server = await startRawServer((socket, count) => {
      if (count > 128) socket.write(OK)
    })
    const { send } = createTransport()
    const requests = Array.from({ length: 130 }, (_none, index) =>
      send(post(server.url, index < 128 ? 400 : 200)),
    )
    const outcomes = await Promise.all(requests)
    const timedOut = { kind: 'failure', reason: 'timeout', status: null }
    for (const outcome of outcomes.slice(0, 128))
      expect(outcome).toMatchObject({ ...timedOut, mayHaveBeenSent: true })
    expect(outcomes.slice(128)).toMatchObject([
      { ...timedOut, mayHaveBeenSent: false },
      { ...timedOut, mayHaveBeenSent: false },
    ])
    // They are not sent later either, when a connection is free.
    expect(await send(post(server.url))).toMatchObject({ kind: 'response' })
    expect(server.requests()).toBe(129)
  })

  test('fail soon and are reported as not sent if no server listens', async () => {
    const stub = await startStubStream(plainText('', 200))
    await stub.close()
    const { send } = createTransport()
    const requests = Array.from({ length: 300 }, () => send(post(stub.url, 2000)))
    for (const outcome of await Promise.all(requests))
      expect(outcome).toMatchObject({ kind: 'failure', mayHaveBeenSent: false, status: null })
  })
})

describe('a response', () => {
  test('is decoded as UTF-8 across chunks, without its byte order mark', async () => {
    const text = '{"name":"Zoë’s 🎬"}'
    const bytes = Buffer.from(`\uFEFF${text}`)
    const server = await startRawServer((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n`)
      for (const byte of bytes) socket.write(Buffer.from([0x31, 13, 10, byte, 13, 10]))
      socket.write('0\r\n\r\n')
    })
    expect(await createTransport().send(post(server.url))).toMatchObject({ kind: 'response', text })
  })

  test('is read after informational responses', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nx-early: 1\r\n\r\n'
    const server = await startRawServer((socket) => socket.write(`${early}${OK}`))
    const outcome = await createTransport().send(post(server.url))
    if (outcome.kind === 'failure') throw new Error('no answer', { cause: outcome.cause })
    expect(outcome).toMatchObject({ status: 200, text: 'ok' })
    expect(outcome.headers.get('x-early')).toBeNull()
  })

  test('has headers by case-insensitive name, with repeated headers joined', async () => {
    const responseHeaders = { 'Retry-After': '7', 'x-many': ['a', 'b'] }
    const stub = await startStubStream((response) => {
      response.writeHead(200, responseHeaders)
      response.end()
    })
    const outcome = await createTransport().send(post(stub.url))
    if (outcome.kind === 'failure') throw new Error('no answer', { cause: outcome.cause })
    const names = ['retry-after', 'RETRY-AFTER', 'X-Many', 'absent', 'constructor', '__proto__']
    expect(names.map((name) => outcome.headers.get(name))).toEqual([
      '7',
      '7',
      'a, b',
      null,
      null,
      null,
    ])
  })
})

/** What the server may do when a request has arrived. */
const actions: Readonly<Record<string, (socket: Socket) => unknown>> = {
  respond: (socket) => socket.write(OK),
  'respond in the next tick': (socket) => setImmediate(() => socket.write(OK)),
  'respond and end': (socket) => socket.end(OK),
  'respond and end after the write': (socket) => socket.write(OK, () => socket.end()),
  'respond and reset': (socket) => socket.write(OK, () => socket.resetAndDestroy()),
  'respond with connection: close': (socket) =>
    socket.end(OK.replace('\r\n', '\r\nconnection: close\r\n')),
  end: (socket) => socket.end(),
  reset: (socket) => socket.resetAndDestroy(),
  truncate: (socket) => socket.end(OK.slice(0, -1)),
  'not respond': () => undefined,
  'send invalid HTTP': (socket) => socket.end('invalid\r\n\r\n'),
}

test('sends no request twice and reports correct outcomes for any server behavior', async () => {
  let plan: readonly string[] = []
  let seen: number[] = []
  const server = await startRawServer((socket, _count, data) => {
    for (const [, id] of data.toString().matchAll(/^POST \/(\d+) /gm)) {
      seen.push(Number(id))
      actions[plan[Number(id)] ?? '']?.(socket)
    }
  })
  const action = fc.constantFrom(...Object.keys(actions), 'respond', 'respond', 'respond')
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 60 }), async (nextPlan) => {
      plan = nextPlan
      seen = []
      const transport = createUndiciTransport()
      const waiting = [...plan.keys()]
      const outcomes = new Map<number, Awaited<ReturnType<typeof transport.send>>>()
      async function work(): Promise<void> {
        for (let id = waiting.shift(); id !== undefined; id = waiting.shift())
          outcomes.set(id, await transport.send(post(`${server.url}${id}`, 100)))
      }
      await Promise.all([work(), work(), work(), work(), work(), work()])
      await transport.close()

      expect(outcomes.size).toBe(plan.length)
      expect(new Set(seen).size).toBe(seen.length)
      const all = [...outcomes].map(([id, outcome]) => ({ id, outcome, done: plan[id] ?? '' }))
      const answered = all.filter(({ outcome }) => outcome.kind === 'response')
      expect(answered.filter(({ id }) => !seen.includes(id))).toEqual([])
      expect(answered.filter(({ done }) => !done.startsWith('respond'))).toEqual([])
      const notSent = all.filter(
        ({ outcome }) => outcome.kind === 'failure' && !outcome.mayHaveBeenSent,
      )
      expect(notSent.filter(({ id }) => seen.includes(id))).toEqual([])
    }),
    { numRuns: 30 },
  )
})

test('close waits for running requests and rejects new ones', async () => {
  const transport = createUndiciTransport()
  const stub = await startStubStream((response, request) => {
    setTimeout(() => json({ slow: true })(response, request), 50)
  })
  const slow = transport.send(post(stub.url))
  const closed = transport.close()
  expect(await transport.send(post(stub.url))).toMatchObject({
    kind: 'failure',
    mayHaveBeenSent: false,
  })
  expect(await slow).toMatchObject({ kind: 'response' })
  await closed
  expect(stub.requests).toHaveLength(1)
})
