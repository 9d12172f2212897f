/** Bounds on what one operation may ask for, the same by HTTP and by WebSocket, on whatever host: one suite. */
import { createClient } from 'graphql-ws'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import {
  MAX_ALIASES,
  MAX_DIRECTIVES,
  MAX_DEPTH,
} from '../../src/http/graphql/plugins/document-limits.ts'
import { MAX_SOCKETS } from '../../src/http/graphql/websocket/connection-auth.ts'
import { TEST_SECRET, tokenFor } from '../kit/gateway.ts'
import type { StartGateway } from './http-endpoints.ts'

/** Where a gateway is. */
interface Place {
  readonly url: string
}

interface Answer {
  readonly status: number
  readonly text: string
}

async function post(gateway: Place, body: string): Promise<Answer> {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  return { status: response.status, text: await response.text() }
}

export const ask = (gateway: Place, query: string, variables = {}): Promise<Answer> =>
  post(gateway, JSON.stringify({ query, variables }))

/** What the first result by WebSocket says. */
async function bySocket(gateway: Place, query: string, token = ''): Promise<string> {
  const client = createClient({
    url: `${gateway.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { authorization: `Bearer ${token}` },
  })
  try {
    for await (const result of client.iterate({ query })) return JSON.stringify(result)
    return 'nothing'
  } catch (error) {
    // A socket that is closed rejects with its code, anything else with errors of the operation.
    const isClose = typeof error === 'object' && error !== null && 'code' in error
    return isClose ? `closed ${String(error.code)}` : JSON.stringify(error)
  } finally {
    await client.dispose()
  }
}

const times = (count: number, one: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => one(index)).join(' ')

const aliases = (count: number): string => `{ ${times(count, (n) => `a${n}: __typename`)} }`
const directives = (count: number): string =>
  `{ ${times(count, (n) => `a${n}: __typename @include(if: true)`)} }`
/** Levels through inline fragments do not count: only fields take a reader deeper. */
const levels = (count: number): string =>
  `${'{ node(id: "x") '.repeat(count)} { id } ${'}'.repeat(count)}`
const throughFragment = (document: string): string => `{ ...F } fragment F on Query ${document}`

export function describeLimits(name: string, start: StartGateway): void {
  describe(`${name}, a document`, () => {
    it.each([
      ['levels', levels(MAX_DEPTH + 1), `limit: ${MAX_DEPTH} levels`],
      ['aliases', aliases(MAX_ALIASES + 1), `Too many aliases (limit: ${MAX_ALIASES} `],
      [
        'aliases in a fragment',
        throughFragment(aliases(MAX_ALIASES + 1)),
        `Too many aliases (limit: ${MAX_ALIASES} `,
      ],
      [
        'directives',
        directives(MAX_DIRECTIVES + 1),
        `Too many directives (limit: ${MAX_DIRECTIVES} `,
      ],
      [
        'directives in a fragment',
        throughFragment(directives(MAX_DIRECTIVES + 1)),
        `Too many directives (limit: ${MAX_DIRECTIVES} `,
      ],
      ['tokens', `{ ${times(1001, () => '__typename')} }`, '1000 tokens'],
      [
        'circular fragments',
        '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }',
        'Cannot spread fragment',
      ],
      ['nothing that ends', '{'.repeat(900), 'Syntax Error'],
    ])('with too many %s is refused in words, both ways', async (_name, document, words) => {
      const gateway = await start()
      const { status, text } = await ask(gateway, document)
      expect(text).toContain(words)
      expect([200, 400]).toContain(status)
      expect(text).not.toContain('"data":{')
      expect(await bySocket(gateway, document)).toContain(words)
    })

    it('within the bounds is answered', async () => {
      const gateway = await start()
      for (const document of [aliases(MAX_ALIASES), directives(MAX_DIRECTIVES)]) {
        expect((await ask(gateway, document)).text).toContain('"data":{')
        expect(await bySocket(gateway, document)).toContain('"data":{')
      }
    })

    it('of introspection, as tools send it, is answered', async () => {
      const { getIntrospectionQuery } = await import('graphql')
      const gateway = await start()
      const query = getIntrospectionQuery({
        descriptions: true,
        inputValueDeprecation: true,
        oneOf: true,
        specifiedByUrl: true,
      })
      expect((await ask(gateway, query)).text).toContain('"__schema"')
    })
  })

  describe(`${name}, variables that fit no type`, () => {
    it.each([
      ['half a second', { maxDurationSeconds: 1.5 }],
      ['nothing', {}],
      ['a field that is none', { maxDurationSeconds: 1, nmae: 'x' }],
      ['no date', { maxDurationSeconds: 1, expiry: 'tomorrow' }],
    ])('such as %s are a mistake with a code', async (_name, input) => {
      const gateway = await start()
      const { text } = await ask(
        gateway,
        'mutation ($i: CreateDirectUploadInput!) { createDirectUpload(input: $i) { __typename } }',
        { i: input },
      )
      expect(text.match(/"code":"\w+"/g)).toEqual(
        Array.from(text.match(/"message"/g) ?? [], () => '"code":"BAD_USER_INPUT"'),
      )
      expect(text).toContain('BAD_USER_INPUT')
    })
  })

  describe(`${name}, a schema that is hidden`, () => {
    it.each([
      ['a field', '{ uploadz { totalCount } }', 'Cannot query field'],
      ['an argument', '{ upload(uit: "x") { uid } }', 'Unknown argument'],
      ['a type', 'query ($a: Uplod) { upload(uid: $a) { uid } }', 'Unknown type'],
      ['an enum value', '{ uploads(filter: { protocol: TUZ }) { totalCount } }', 'does not exist'],
    ])('is not told by a guess at %s, both ways', async (_name, document, words) => {
      const gateway = await start({ INTROSPECTION: 'false' })
      for (const text of [(await ask(gateway, document)).text, await bySocket(gateway, document)]) {
        expect(text).toContain(words)
        expect(text).not.toMatch(/did you mean/i)
      }
      const open = await start()
      expect((await ask(open, document)).text).toMatch(/did you mean/i)
    })

    it('is not told by a guess at an input, either', async () => {
      const gateway = await start({ INTROSPECTION: 'false' })
      const { text } = await ask(
        gateway,
        'mutation ($i: CreateDirectUploadInput!) { createDirectUpload(input: $i) { __typename } }',
        { i: { maxDurationSecond: 1 } },
      )
      expect(text).toContain('is not defined')
      expect(text).not.toMatch(/did you mean/i)
      expect(await bySocket(gateway, '{ __schema { description } }')).toContain('introspection')
    })
  })

  describe(`${name}, a caller`, () => {
    it('may have so many sockets open, and other callers theirs', async () => {
      const gateway = await start({ AUTH_JWT_SECRET: TEST_SECRET })
      const token = await tokenFor('ada')
      const clients = Array.from({ length: MAX_SOCKETS }, () =>
        createClient({
          url: `${gateway.url.replace('http', 'ws')}/graphql`,
          webSocketImpl: WebSocket,
          lazy: false,
          retryAttempts: 0,
          connectionParams: { authorization: `Bearer ${token}` },
        }),
      )
      await Promise.all(
        clients.map((client) => new Promise<unknown>((resolve) => client.on('connected', resolve))),
      )
      expect(await bySocket(gateway, '{ __typename }', token)).toContain('closed 1013')
      expect(await bySocket(gateway, '{ __typename }', await tokenFor('bob'))).toContain('Query')
      await clients[0]?.dispose()
      while (!(await bySocket(gateway, '{ __typename }', token)).includes('Query'));
      for (const client of clients) await client.dispose()
    })
  })

  it(`${name}, a batch is no operation`, async () => {
    const gateway = await start()
    expect((await post(gateway, '[{"query":"{ __typename }"}]')).status).toBe(400)
  })
}
