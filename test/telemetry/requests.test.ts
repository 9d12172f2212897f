/** Request ids: in responses, in log lines and in error messages. */
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createRequestIdGenerator } from '../../src/http/middleware/request-id.ts'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'

/** Returns the messages of the log lines with this request id. */
function linesOf({ logs }: TestGateway, requestId: string): string[] {
  return logs
    .filter(({ fields }) => 'requestId' in fields && fields.requestId === requestId)
    .map(({ message }) => message)
}

function breakDatabase({ databaseFile }: TestGateway): void {
  new Database(databaseFile).exec('alter table uploads rename to gone').close()
}

function graphql(gateway: TestGateway, query: string, accept = 'application/json') {
  return fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ query }),
  })
}

const MINT = `mutation { createDirectUpload(input: { maxDurationSeconds: 60 }) { __typename } }`

describe('a request', () => {
  it('has a unique id at every endpoint and in its log lines', async () => {
    const gateway = await startTestGateway()
    const responses = [
      await graphql(gateway, MINT),
      await fetch(`${gateway.url}/`),
      await fetch(`${gateway.url}/nowhere`),
      await fetch(`${gateway.url}/graphql`, { method: 'OPTIONS' }),
      await fetch(`${gateway.url}/tus`, {
        method: 'POST',
        headers: { 'tus-resumable': '1.0.0', 'upload-length': '5242880' },
      }),
    ]
    const ids = responses.map(({ headers }) => headers.get('x-request-id') ?? '')
    expect(new Set(ids).size).toBe(5)
    for (const id of ids) expect(id).toMatch(/^[\da-f]{8}-[\da-z]+$/)
    expect(linesOf(gateway, ids[0] ?? '')).toEqual(['upload minted', 'request completed'])
    expect(linesOf(gateway, ids[4] ?? '')).toEqual(['upload minted', 'request completed'])
  })

  it('exposes its id to pages of allowed origins', async () => {
    const origin = 'https://app.example.com'
    const gateway = await startTestGateway({ ALLOWED_ORIGINS: origin })
    const { headers } = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { origin },
    })
    expect(headers.get('access-control-expose-headers')).toContain('X-Request-Id')
  })

  it.each<[sender: string, variables: Record<string, string>, isAccepted: boolean]>([
    ['a trusted proxy', { TRUSTED_PROXIES: '127.0.0.1' }, true],
    ['an untrusted client', {}, false],
  ])('with an id from %s (%j) keeps that id: %s', async (_sender, variables, isAccepted) => {
    const gateway = await startTestGateway(variables)
    const idFor = async (id: string): Promise<string | null> => {
      const response = await fetch(`${gateway.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-request-id': id },
        body: JSON.stringify({ query: MINT }),
      })
      await response.arrayBuffer()
      return response.headers.get('x-request-id')
    }
    // Repeated, so that the last ones take the fast path.
    for (const id of ['edge-1', 'edge-2', 'edge-3', 'edge-4', 'edge-5']) {
      expect((await idFor(id)) === id).toBe(isAccepted)
      expect(linesOf(gateway, id)).toEqual(isAccepted ? ['upload minted', 'request completed'] : [])
    }
    expect(await idFor('not an id')).toMatch(/^[\da-f]{8}-[\da-z]+$/)
  })

  const failure = z.object({
    errors: z.tuple([
      z.object({
        message: z.string(),
        extensions: z.object({ code: z.literal('INTERNAL_SERVER_ERROR'), requestId: z.string() }),
      }),
    ]),
  })

  it('that fails has the same id in its error and in the log', async () => {
    const gateway = await startTestGateway()
    breakDatabase(gateway)
    const response = await graphql(gateway, '{ uploads { nodes { uid } } }')
    const id = response.headers.get('x-request-id') ?? ''
    const [error] = failure.parse(await response.json()).errors
    expect(error.extensions.requestId).toBe(id)
    expect(error.message).toContain(id)
    expect(linesOf(gateway, id)).toEqual(['unexpected error', 'request completed'])
    expect(gateway.logs.filter((line) => line.message === 'unexpected error')).toHaveLength(1)

    const tus = await fetch(`${gateway.url}/tus`, {
      method: 'POST',
      headers: { 'tus-resumable': '1.0.0', 'upload-length': '5242880' },
    })
    const tusId = tus.headers.get('x-request-id') ?? ''
    expect(await tus.text()).toContain(tusId)
    expect(linesOf(gateway, tusId)).toContain('unexpected error')
  })

  it('that fails during a subscription has the same id in its error and in the log', async () => {
    const gateway = await startTestGateway()
    const { uid } = expectMinted(await createDirectUpload(gateway.as()))
    breakDatabase(gateway)
    const query = `subscription { uploadStatus(uid: "${uid}") { status } }`
    const response = await graphql(gateway, query, 'text/event-stream')
    const id = response.headers.get('x-request-id') ?? ''
    const [, data = ''] = /^data: (.*"errors".*)$/m.exec(await response.text()) ?? []
    expect(failure.parse(JSON.parse(data)).errors[0].extensions.requestId).toBe(id)
    expect(linesOf(gateway, id)).toContain('unexpected error')
  })
})

describe('a request id', () => {
  it('is adopted from the request if it is valid', () => {
    const nextId = createRequestIdGenerator()
    for (const received of ['a', '0b1c.2d-3e_4f', 'x'.repeat(64)])
      expect(nextId(received)).toBe(received)
  })

  it.each(['', 'x'.repeat(65), 'two words', 'new\nline', '{"a":1}', 'é', '🎬'])(
    'is generated instead of %j',
    (received) => {
      expect(createRequestIdGenerator()(received)).toMatch(/^[\da-f]{8}-1$/)
    },
  )

  it('is unique across generators', () => {
    const [first, second] = [createRequestIdGenerator(), createRequestIdGenerator()]
    const ids = Array.from({ length: 1000 }, () => [first(), second()]).flat()
    expect(new Set(ids).size).toBe(2000)
  })
})
