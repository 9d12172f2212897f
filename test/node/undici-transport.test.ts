/** Connections that stay open: what is shared, what is never sent twice, and what is let go. */
import { createServer, type Server, type Socket } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createUndiciTransport } from '../../src/node/undici-transport.ts'
import type { TransportRequest } from '../../src/stream/rest/transport.ts'
import { json, plainText, startStubStream } from '../stream/stub-stream.ts'

function pool() {
  const pooled = createUndiciTransport()
  onTestFinished(() => pooled.close())
  return pooled
}

function post(url: string, timeoutMs = 10_000): TransportRequest {
  const body = '{"maxDurationSeconds":1}'
  return { purpose: 'mint', method: 'POST', url, headers: {}, body, changes: true, timeoutMs }
}

/** Below HTTP: answers the n-th request of all with the n-th of these, or by what it does. */
async function startRawServer(onRequest: (socket: Socket, count: number, data: Buffer) => void) {
  const sockets = new Set<Socket>()
  let requests = 0
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (data) => onRequest(socket, (requests += 1), data))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  return { url: `http://127.0.0.1:${port}/`, sockets, requests: () => requests }
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

describe('a connection', () => {
  test('carries one exchange after the other', async () => {
    const server = await startRawServer((socket) => socket.write(OK))
    const { send } = pool()
    for (let count = 0; count < 20; count += 1)
      expect(await send(post(server.url))).toMatchObject({ kind: 'answered', text: 'ok' })
    // Two take turns: one that has just answered rests for a turn of the event loop.
    expect(server.sockets.size).toBeLessThanOrEqual(2)
  })

  test.each(['GET', 'POST'] as const)(
    'that the other side ends under a %s loses it, and it is sent once only',
    async (method) => {
      const server = await startRawServer((socket, count) => {
        if (count === 5) socket.end()
        else socket.write(OK)
      })
      const { send } = pool()
      const request = { ...post(server.url), method }
      for (let count = 1; count < 5; count += 1)
        expect(await send(request)).toMatchObject({ kind: 'answered' })
      expect(await send(request)).toMatchObject({
        kind: 'unanswered',
        reason: 'connection',
        status: null,
        mayHaveBeenSent: true,
      })
      expect(server.requests()).toBe(5)
      expect(await send(request)).toMatchObject({ kind: 'answered' })
    },
  )
})

test('what never became a connection by TLS has not left', async () => {
  const server = await startRawServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  const outcome = await pool().send(post(server.url.replace('http:', 'https:')))
  expect(outcome).toMatchObject({
    kind: 'unanswered',
    reason: 'connection',
    mayHaveBeenSent: false,
  })
})

describe('many exchanges at once', () => {
  test('share at most 128 connections, and all are answered', async () => {
    const server = await startRawServer((socket) => setImmediate(() => socket.write(OK)))
    const { send } = pool()
    const all = await Promise.all(Array.from({ length: 500 }, () => send(post(server.url))))
    expect(all.filter(({ kind }) => kind === 'answered')).toHaveLength(500)
    expect(server.sockets.size).toBeLessThanOrEqual(128)
  })

  test('one that waits for a connection longer than it has time for has surely not left', async () => {
    const server = await startRawServer(() => undefined)
    const { send } = pool()
    const given = Array.from({ length: 130 }, (_none, index) =>
      send(post(server.url, index < 128 ? 400 : 200)),
    )
    const outcomes = await Promise.all(given)
    const late = { kind: 'unanswered', reason: 'timeout', status: null }
    for (const outcome of outcomes.slice(0, 128))
      expect(outcome).toMatchObject({ ...late, mayHaveBeenSent: true })
    expect(outcomes.slice(128)).toMatchObject([
      { ...late, mayHaveBeenSent: false },
      { ...late, mayHaveBeenSent: false },
    ])
    // Nor do they leave later, when there is room.
    expect(await send(post(server.url, 100))).toMatchObject(late)
    expect(server.requests()).toBe(129)
  })

  test('with nobody there all fail soon, and none has left', async () => {
    const stub = await startStubStream(plainText('', 200))
    await stub.close()
    const { send } = pool()
    const asked = Array.from({ length: 300 }, () => send(post(stub.url, 2000)))
    for (const outcome of await Promise.all(asked))
      expect(outcome).toMatchObject({ kind: 'unanswered', mayHaveBeenSent: false, status: null })
  })
})

describe('an answer', () => {
  test('is read as UTF-8 wherever its bytes are parted, without its byte order mark', async () => {
    const text = '{"name":"Zoë’s 🎬"}'
    const bytes = Buffer.from(`\uFEFF${text}`)
    const server = await startRawServer((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n`)
      for (const byte of bytes) socket.write(Buffer.from([0x31, 13, 10, byte, 13, 10]))
      socket.write('0\r\n\r\n')
    })
    expect(await pool().send(post(server.url))).toMatchObject({ kind: 'answered', text })
  })

  test('comes after what announces it', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nx-early: 1\r\n\r\n'
    const server = await startRawServer((socket) => socket.write(`${early}${OK}`))
    const outcome = await pool().send(post(server.url))
    if (outcome.kind === 'unanswered') throw new Error('no answer', { cause: outcome.cause })
    expect(outcome).toMatchObject({ status: 200, text: 'ok' })
    expect(outcome.headers.get('x-early')).toBeNull()
  })

  test('has its headers under names in any case, repeated ones joined', async () => {
    const more = { 'Retry-After': '7', 'x-many': ['a', 'b'] }
    const stub = await startStubStream((response) => {
      response.writeHead(200, more)
      response.end()
    })
    const outcome = await pool().send(post(stub.url))
    if (outcome.kind === 'unanswered') throw new Error('no answer', { cause: outcome.cause })
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

/** What the other side may do when a request has arrived. */
const deeds: Readonly<Record<string, (socket: Socket) => unknown>> = {
  answer: (socket) => socket.write(OK),
  'answer late': (socket) => setImmediate(() => socket.write(OK)),
  'answer and end': (socket) => socket.end(OK),
  'answer and end a little later': (socket) => socket.write(OK, () => socket.end()),
  'answer and reset': (socket) => socket.write(OK, () => socket.resetAndDestroy()),
  'say that it ends': (socket) => socket.end(OK.replace('\r\n', '\r\nconnection: close\r\n')),
  end: (socket) => socket.end(),
  reset: (socket) => socket.resetAndDestroy(),
  'break off': (socket) => socket.end(OK.slice(0, -1)),
  'say nothing': () => undefined,
  babble: (socket) => socket.end('babble\r\n\r\n'),
}

test('whatever the other side does: nothing is sent twice, and all are told the truth', async () => {
  let plan: readonly string[] = []
  let seen: number[] = []
  const server = await startRawServer((socket, _count, data) => {
    for (const [, id] of data.toString().matchAll(/^POST \/(\d+) /gm)) {
      seen.push(Number(id))
      deeds[plan[Number(id)] ?? '']?.(socket)
    }
  })
  const deed = fc.constantFrom(...Object.keys(deeds), 'answer', 'answer', 'answer')
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 1, maxLength: 60 }), async (deedsToCome) => {
      plan = deedsToCome
      seen = []
      const pooled = createUndiciTransport()
      const waiting = [...plan.keys()]
      const outcomes = new Map<number, Awaited<ReturnType<typeof pooled.send>>>()
      async function work(): Promise<void> {
        for (let id = waiting.shift(); id !== undefined; id = waiting.shift())
          outcomes.set(id, await pooled.send(post(`${server.url}${id}`, 100)))
      }
      await Promise.all([work(), work(), work(), work(), work(), work()])
      await pooled.close()

      expect(outcomes.size).toBe(plan.length)
      expect(new Set(seen).size).toBe(seen.length)
      const all = [...outcomes].map(([id, outcome]) => ({ id, outcome, deed: plan[id] ?? '' }))
      const answered = all.filter(({ outcome }) => outcome.kind === 'answered')
      expect(answered.filter(({ id }) => !seen.includes(id))).toEqual([])
      expect(answered.filter(({ deed: done }) => !/^(answer|say that)/.test(done))).toEqual([])
      const stayed = all.filter(
        ({ outcome }) => outcome.kind === 'unanswered' && !outcome.mayHaveBeenSent,
      )
      expect(stayed.filter(({ id }) => seen.includes(id))).toEqual([])
    }),
    { numRuns: 30 },
  )
})

test('closing waits for what is under way, and lets nothing begin', async () => {
  const pooled = createUndiciTransport()
  const stub = await startStubStream((response, request) => {
    setTimeout(() => json({ slow: true })(response, request), 50)
  })
  const slow = pooled.send(post(stub.url))
  const closed = pooled.close()
  expect(await pooled.send(post(stub.url))).toMatchObject({
    kind: 'unanswered',
    mayHaveBeenSent: false,
  })
  expect(await slow).toMatchObject({ kind: 'answered' })
  await closed
  expect(stub.requests).toHaveLength(1)
})
