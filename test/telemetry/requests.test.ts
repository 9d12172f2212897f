/** A request's name: in its answer, in each of its lines in the log, in the error that is shown. */
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createRequestIdGenerator } from '../../src/http/middleware/request-id.ts'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'

/** Lines that carry this id, by their sentence. */
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
  it('has a name of its own at every door, and in all that it has logged', async () => {
    const gateway = await startTestGateway()
    const answers = [
      await graphql(gateway, MINT),
      await fetch(`${gateway.url}/`),
      await fetch(`${gateway.url}/nowhere`),
      await fetch(`${gateway.url}/graphql`, { method: 'OPTIONS' }),
      await fetch(`${gateway.url}/tus`, {
        method: 'POST',
        headers: { 'tus-resumable': '1.0.0', 'upload-length': '5242880' },
      }),
    ]
    const ids = answers.map(({ headers }) => headers.get('x-request-id') ?? '')
    expect(new Set(ids).size).toBe(5)
    for (const id of ids) expect(id).toMatch(/^[\da-f]{8}-[\da-z]+$/)
    expect(linesOf(gateway, ids[0] ?? '')).toEqual(['upload minted', 'request completed'])
    expect(linesOf(gateway, ids[4] ?? '')).toEqual(['upload minted', 'request completed'])
  })

  it('is named in the answer that a page of another origin may read', async () => {
    const origin = 'https://app.example.com'
    const gateway = await startTestGateway({ ALLOWED_ORIGINS: origin })
    const { headers } = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { origin },
    })
    expect(headers.get('access-control-expose-headers')).toContain('X-Request-Id')
  })

  it.each<[who: string, variables: Record<string, string>, isBelieved: boolean]>([
    ['a proxy that is trusted', { TRUSTED_PROXIES: '127.0.0.1' }, true],
    ['anybody else', {}, false],
  ])('named by %s (%j) has that name: %s', async (_who, variables, isBelieved) => {
    const gateway = await startTestGateway(variables)
    const named = async (name: string): Promise<string | null> => {
      const answer = await fetch(`${gateway.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-request-id': name },
        body: JSON.stringify({ query: MINT }),
      })
      await answer.arrayBuffer()
      return answer.headers.get('x-request-id')
    }
    // Often enough that the last ones are answered by the fast lane.
    for (const name of ['edge-1', 'edge-2', 'edge-3', 'edge-4', 'edge-5']) {
      expect((await named(name)) === name).toBe(isBelieved)
      expect(linesOf(gateway, name)).toEqual(
        isBelieved ? ['upload minted', 'request completed'] : [],
      )
    }
    expect(await named('no name')).toMatch(/^[\da-f]{8}-[\da-z]+$/)
  })

  const failure = z.object({
    errors: z.tuple([
      z.object({
        message: z.string(),
        extensions: z.object({ code: z.literal('INTERNAL_SERVER_ERROR'), requestId: z.string() }),
      }),
    ]),
  })

  it('that fails is found in the log by what its caller was shown', async () => {
    const gateway = await startTestGateway()
    breakDatabase(gateway)
    const answer = await graphql(gateway, '{ uploads { nodes { uid } } }')
    const id = answer.headers.get('x-request-id') ?? ''
    const [error] = failure.parse(await answer.json()).errors
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

  it('that fails in the middle of a subscription is found as well', async () => {
    const gateway = await startTestGateway()
    const { uid } = expectMinted(await createDirectUpload(gateway.as()))
    breakDatabase(gateway)
    const query = `subscription { uploadStatus(uid: "${uid}") { status } }`
    const answer = await graphql(gateway, query, 'text/event-stream')
    const id = answer.headers.get('x-request-id') ?? ''
    const [, data = ''] = /^data: (.*"errors".*)$/m.exec(await answer.text()) ?? []
    expect(failure.parse(JSON.parse(data)).errors[0].extensions.requestId).toBe(id)
    expect(linesOf(gateway, id)).toContain('unexpected error')
  })
})

describe('a name', () => {
  it('is taken from a proxy that is trusted, where it is one', () => {
    const nextId = createRequestIdGenerator()
    for (const given of ['a', '0b1c.2d-3e_4f', 'x'.repeat(64)]) expect(nextId(given)).toBe(given)
  })

  it.each(['', 'x'.repeat(65), 'two words', 'new\nline', '{"a":1}', 'é', '🎬'])(
    'is made anew where %j is given',
    (given) => {
      expect(createRequestIdGenerator()(given)).toMatch(/^[\da-f]{8}-1$/)
    },
  )

  it('is not given twice, not even by another process', () => {
    const [one, another] = [createRequestIdGenerator(), createRequestIdGenerator()]
    const ids = Array.from({ length: 1000 }, () => [one(), another()]).flat()
    expect(new Set(ids).size).toBe(2000)
  })
})
