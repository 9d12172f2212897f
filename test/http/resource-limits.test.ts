/** Limits on what one authenticated caller can make the gateway store, compute and send. */
import { type Socket, connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { createDocumentCache } from '../../src/http/graphql/plugins/document-cache.ts'
import {
  MAX_DOCUMENT_CHARACTERS,
  MAX_COMMENTS,
  MAX_LINES,
} from '../../src/http/graphql/plugins/document-limits.ts'
import { MAX_CONCURRENT_OPERATIONS } from '../../src/http/graphql/plugins/concurrency-limit.ts'
import { createSetup } from '../fast-path/setup.ts'
import { type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'
import { openWebSocket } from '../kit/web-socket.ts'

async function sendQuery(
  { url }: { readonly url: string },
  query: string,
  headers = {},
  variables = {},
): Promise<string> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  })
  return response.text()
}

/** Opens a raw connection; `received` returns the bytes received so far. */
async function connectRaw(
  gateway: TestGateway,
  bytes: string,
): Promise<{ socket: Socket; received: () => string }> {
  const { hostname, port } = new URL(gateway.url)
  let received = ''
  const socket = connect(Number(port), hostname)
  onTestFinished(() => {
    socket.destroy()
  })
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text
  })
  socket.write(bytes)
  await new Promise((resolve) => socket.once('data', resolve))
  return { socket, received: () => received }
}

/** Returns a document of 10,000 characters that differs for each index. */
function documentOf(index: number): string {
  return `${index} ${'x'.repeat(9_998 - String(index).length)}`
}

/** Selects one page of uploads twice, each with its meta. */
function pageOf(n: number): string {
  return `a${n}: uploads(first: 100) { edges { node { meta } } nodes { meta } }`
}

function pagesOf(count: number): string {
  return `{ ${Array.from({ length: count }, (_, n) => pageOf(n)).join(' ')} }`
}

describe('documents', () => {
  it('are limited in characters, comments and lines, and an empty document is a syntax error', async () => {
    const gateway = await startTestGateway()
    expect(
      await sendQuery(gateway, `{ __typename } #${'x'.repeat(MAX_DOCUMENT_CHARACTERS)}`),
    ).toContain(`${MAX_DOCUMENT_CHARACTERS} characters`)
    expect(await sendQuery(gateway, `{ __typename }${'#\n'.repeat(MAX_COMMENTS + 1)}`)).toContain(
      `Too many comments (limit: ${MAX_COMMENTS} `,
    )
    expect(await sendQuery(gateway, `{ __typename }${'#\n'.repeat(MAX_COMMENTS)}`)).toContain(
      '"data"',
    )
    expect(await sendQuery(gateway, `{ __typename }${'\r\n'.repeat(MAX_LINES)}`)).toContain(
      `Too many lines (limit: ${MAX_LINES} `,
    )
    expect(await sendQuery(gateway, `{ __typename }${'\r\n'.repeat(MAX_LINES - 1)}`)).toContain(
      '"data"',
    )
    expect(await sendQuery(gateway, '')).toContain('GRAPHQL_PARSE_FAILED')
  })

  it('are cached up to a limit on their text, least recently used evicted first', () => {
    const cache = createDocumentCache<{ readonly index: number }>()
    for (let index = 0; index < 60; index += 1) {
      cache.set(documentOf(index), { index })
      expect(cache.get(documentOf(0))).toEqual({ index: 0 })
    }
    const cached = Array.from({ length: 60 }, (_, index) => cache.get(documentOf(index)))
    expect(cached.filter((value) => value !== undefined)).toHaveLength(20)
    expect([cache.get(documentOf(1)), cache.get(documentOf(59))]).toEqual([
      undefined,
      { index: 59 },
    ])
  })
})

describe('results', () => {
  it('are limited in uploads and metas across all aliases', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    for (let index = 0; index < 30; index += 1)
      await createDirectUpload(caller, { meta: { index } })
    expect(await sendQuery(gateway, pagesOf(8))).toContain('"data":{')
    expect(await sendQuery(gateway, pagesOf(9))).toContain('"code":"RESULT_TOO_LARGE"')
    const ids = Array.from({ length: 100 }, () => 'x')
    const nodes = Array.from({ length: 11 }, (_, n) => `a${n}: nodes(ids: $ids) { id }`).join(' ')
    expect(await sendQuery(gateway, `query ($ids: [ID!]!) { ${nodes} }`, {}, { ids })).toContain(
      'RESULT_TOO_LARGE',
    )
  })

  it('of a subscription are limited per event, not in total', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const metas = Array.from({ length: 50 }, (_, n) => `a${n}: meta`).join(' ')
    const shape = z.object({ uploadsChanged: z.object({ a49: z.object({ index: z.number() }) }) })
    const events = caller.watch(shape, `subscription { uploadsChanged { ${metas} } }`)
    const opened = events.next().then(() => true)
    // The time of the start of the subscription is not known: mint until the first event arrives.
    const mint = async (): Promise<boolean> => {
      await createDirectUpload(caller, { meta: { index: 0 } })
      return false
    }
    while (!(await Promise.race([opened, mint()])));
    // 50 metas per event, over more events than fit into the limit of one result.
    for (let index = 0; index < 25; index += 1) {
      await createDirectUpload(caller, { meta: { index } })
      expect(await events.next()).toMatchObject({ done: false })
    }
    await events.return?.()
  })

  it('return meta with keys of any name', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const meta: unknown = JSON.parse(
      '{"then":"x","toJSON":"y","constructor":1,"nested":{"then":null}}',
    )
    const { uid } = expectMinted(await createDirectUpload(caller, { meta }))
    const shape = z.object({ upload: z.object({ meta: z.unknown() }) })
    expect((await caller.request(shape, `{ upload(uid: "${uid}") { meta } }`)).upload.meta).toEqual(
      meta,
    )
  })
})

describe('concurrent operations', () => {
  it('of one caller above the limit are rejected with RATE_LIMITED', async () => {
    const waiting: (() => void)[] = []
    const { fast: url } = await createSetup({
      stream: (stream) => ({
        ...stream,
        async storageUsage(...args) {
          await new Promise<void>((resolve) => {
            waiting.push(resolve)
          })
          return stream.storageUsage(...args)
        },
      }),
    })
    const headers = { authorization: `Bearer ${await tokenFor('ada')}` }
    const responses = Array.from({ length: MAX_CONCURRENT_OPERATIONS + 1 }, () =>
      sendQuery({ url }, '{ storageUsage { videoCount } }', headers),
    )
    // Only the rejected operation gets a response before Stream responds.
    expect(await Promise.race(responses)).toContain('RATE_LIMITED')
    for (const respond of waiting) respond()
    const results = await Promise.all(responses)
    expect(results.filter((text) => text.includes('RATE_LIMITED'))).toHaveLength(1)
    expect(await sendQuery({ url }, '{ __typename }', headers)).toContain('Query')
  })

  it('delete the same upload with one request to Stream', async () => {
    const gateway = await startTestGateway({ RATE_LIMIT_CREATES: '2' })
    const uids: string[] = []
    for (let index = 0; index < 2; index += 1)
      uids.push(expectMinted(await createDirectUpload(gateway.as())).uid)
    await gateway.emulator.fault({ on: 'delete', times: 1, delayMs: 300 })
    const remove = (uid = ''): Promise<string> =>
      sendQuery(gateway, `mutation { deleteUpload(uid: "${uid}") { __typename } }`)
    const results = await Promise.all(Array.from({ length: 20 }, () => remove(uids[0])))
    expect(new Set(results)).toEqual(
      new Set(['{"data":{"deleteUpload":{"__typename":"DeleteUploadSuccess"}}}']),
    )
    expect((await gateway.emulator.state()).requests['delete']).toBe(1)
  })

  it('delete at most as many uploads per minute as may be created', async () => {
    const gateway = await startTestGateway({ RATE_LIMIT_CREATES: '2' })
    const uids: string[] = []
    for (let index = 0; index < 4; index += 1) {
      uids.push(expectMinted(await createDirectUpload(gateway.as())).uid)
      gateway.clock.advance(31)
    }
    const remove = (uid = ''): Promise<string> =>
      sendQuery(gateway, `mutation { deleteUpload(uid: "${uid}") { __typename } }`)
    const received: string[] = []
    for (const uid of uids.slice(0, 3)) received.push(await remove(uid))
    // An upload that is deleted already does not count towards the rate limit.
    received.push(await remove(uids[0]))
    gateway.clock.advance(61)
    received.push(await remove(uids[2]))
    expect(received.map((text) => /"__typename":"(\w+)"/.exec(text)?.[1])).toEqual([
      'DeleteUploadSuccess',
      'DeleteUploadSuccess',
      'RateLimitedError',
      'DeleteUploadSuccess',
      'DeleteUploadSuccess',
    ])
    expect((await gateway.emulator.state()).requests['delete']).toBe(3)
  })
})

describe('a connection', () => {
  it('with a rejected upgrade is closed and does not block shutdown', async () => {
    const gateway = await startTestGateway()
    const { socket, received } = await connectRaw(
      gateway,
      'GET /nope HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
    await new Promise((resolve) => socket.once('close', resolve))
    expect(received()).toMatch(/^HTTP\/1.1 404 /)
  })

  it('that offers h2c receives an HTTP/1.1 response', async () => {
    const gateway = await startTestGateway()
    const { socket, received } = await connectRaw(
      gateway,
      'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n',
    )
    await new Promise((resolve) => socket.once('close', resolve))
    expect(received()).toMatch(/^HTTP\/1.1 200 [^]*"alive"/)
  })

  it('by WebSocket that sends queries and never reads is limited in buffered memory', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const meta = { text: 'x'.repeat(4000) }
    for (let index = 0; index < 50; index += 1) await createDirectUpload(caller, { meta })
    const socket = await openWebSocket(gateway.url)
    socket.send('{"type":"connection_init"}')
    await new Promise((resolve) => socket.once('message', resolve))
    socket.pause()
    const query = `{ ${Array.from({ length: 5 }, (_, n) => `a${n}: uploads(first: 50) { nodes { meta } }`).join(' ')} }`
    const before = process.memoryUsage().rss
    for (let id = 0; id < 400; id += 1) {
      socket.send(JSON.stringify({ type: 'subscribe', id: String(id), payload: { query } }))
    }
    // 400 results of one megabyte: most are not executed or not buffered.
    for (let attempt = 0; attempt < 20; attempt += 1) await sendQuery(gateway, '{ __typename }')
    expect(process.memoryUsage().rss - before).toBeLessThan(250_000_000)
  })
})
