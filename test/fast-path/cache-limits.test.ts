/** The caches and the connections of the fast path are bounded for any input. */
import { connect } from 'node:net'
import { OperationTypeNode, buildSchema, parse } from 'graphql'
import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { createOperationCache } from '../../src/http/graphql/fast-path/operation-cache.ts'
import { noopTelemetry } from '../../src/telemetry/noop-telemetry.ts'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'

const schema = buildSchema('type Query { self: Query name: String }')

it('does not compile a short document that expands to thousands of fields', () => {
  const cache = createOperationCache(schema, noopTelemetry)
  const doubled = ['B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K'].map(
    (name, index) =>
      `fragment ${name} on Query { a: self { ...${String.fromCharCode(67 + index)} } b: self { ...${String.fromCharCode(67 + index)} } }`,
  )
  const bomb = `{ self { ...B } } ${doubled.join(' ')} fragment L on Query { name }`
  for (const [query, isCompiled] of [
    [bomb, false],
    ['{ self { name } }', true],
  ] as const) {
    const params = { query, operationName: null, variables: {} }
    for (let run = 0; run < 2; run += 1) cache.recordExecution(params, parse(query))
    expect(cache.find(params) !== null).toBe(isCompiled)
  }
})

it("keeps the media type of a caller's Accept header while another caller sends thousands of others", () => {
  const cache = createOperationCache(schema, noopTelemetry)
  const params = { query: '{ name }', operationName: null, variables: {} }
  for (let run = 0; run < 2; run += 1) cache.recordExecution(params, parse(params.query))
  cache.recordMediaType(params, 'application/json', 'application/json')
  const found = Array.from({ length: 5000 }, (_, index) => {
    cache.recordMediaType(params, `application/json;q=0.${index}`, 'application/json')
    return cache.mediaType(OperationTypeNode.QUERY, 'application/json')
  })
  expect(new Set(found)).toEqual(new Set(['application/json']))
})

it('serves other clients while 1,100 clients have sent headers without a body', async () => {
  const gateway = await startTestGateway()
  const { hostname, port } = new URL(gateway.url)
  const head = `POST /graphql HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n`
  const sockets = await Promise.all(
    Array.from({ length: 1100 }, async () => {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => undefined)
      await new Promise((resolve) => {
        socket.once('connect', resolve)
      })
      socket.write(head)
      return socket
    }),
  )
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ __typename }"}',
    })
    expect(response.status).toBe(200)
    await response.text()
  }
})

it('serves other clients while 1,200 clients have open subscriptions', async () => {
  const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
  const { hostname, port } = new URL(gateway.url)
  const body = JSON.stringify({ query: 'subscription { uploadsChanged { uid } }' })
  const tokens = await Promise.all(['alice', 'bob'].map((name) => tokenFor(name)))
  async function openStream(token: string | undefined): Promise<void> {
    const socket = connect(Number(port), hostname)
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined)
    socket.write(
      [
        'POST /graphql HTTP/1.1',
        `host: ${hostname}`,
        `authorization: Bearer ${token}`,
        'accept: text/event-stream',
        'content-type: application/json',
        `content-length: ${body.length}`,
        `\r\n${body}`,
      ].join('\r\n'),
    )
    const first = await new Promise<Buffer>((resolve) => {
      socket.once('data', resolve)
    })
    expect(first.toString()).toContain('HTTP/1.1 200')
  }
  // In groups: all at once, the load shedder of a busy machine would reject some.
  for (let opened = 0; opened < 1200; opened += 100)
    await Promise.all(Array.from({ length: 100 }, (_, index) => openStream(tokens[index % 2])))
  const response = await fetch(`${gateway.url}/healthz`)
  expect(response.status).toBe(200)
  const result = await gateway
    .as(tokens[0])
    .request(z.unknown(), '{ uploads(first: 1) { totalCount } }')
  expect(result).toBeDefined()
})
