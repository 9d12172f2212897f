/** Limits on one operation, the same by HTTP and by WebSocket, for every host. */
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

/** The address of a gateway. */
interface GatewayAddress {
  readonly url: string
}

interface TextResponse {
  readonly status: number
  readonly text: string
}

async function post(gateway: GatewayAddress, body: string): Promise<TextResponse> {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  return { status: response.status, text: await response.text() }
}

export const sendQuery = (
  gateway: GatewayAddress,
  query: string,
  variables = {},
): Promise<TextResponse> => post(gateway, JSON.stringify({ query, variables }))

/** Returns the first result by WebSocket as JSON. */
async function queryByWebSocket(
  gateway: GatewayAddress,
  query: string,
  token = '',
): Promise<string> {
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
    // A closed WebSocket rejects with its close code, other failures with errors of the operation.
    const isClose = typeof error === 'object' && error !== null && 'code' in error
    return isClose ? `closed ${String(error.code)}` : JSON.stringify(error)
  } finally {
    await client.dispose()
  }
}

const repeat = (count: number, textAt: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => textAt(index)).join(' ')

const aliases = (count: number): string => `{ ${repeat(count, (n) => `a${n}: __typename`)} }`
const directives = (count: number): string =>
  `{ ${repeat(count, (n) => `a${n}: __typename @include(if: true)`)} }`
/** Inline fragments do not count as levels: only fields increase the depth. */
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
      ['tokens', `{ ${repeat(1001, () => '__typename')} }`, '1000 tokens'],
      [
        'circular fragments',
        '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }',
        'Cannot spread fragment',
      ],
      ['unclosed braces', '{'.repeat(900), 'Syntax Error'],
    ])(
      'with too many %s is rejected with a message, by HTTP and WebSocket',
      async (_name, document, message) => {
        const gateway = await start()
        const { status, text } = await sendQuery(gateway, document)
        expect(text).toContain(message)
        expect([200, 400]).toContain(status)
        expect(text).not.toContain('"data":{')
        expect(await queryByWebSocket(gateway, document)).toContain(message)
      },
    )

    it('within the limits is executed', async () => {
      const gateway = await start()
      for (const document of [aliases(MAX_ALIASES), directives(MAX_DIRECTIVES)]) {
        expect((await sendQuery(gateway, document)).text).toContain('"data":{')
        expect(await queryByWebSocket(gateway, document)).toContain('"data":{')
      }
    })

    it('with the introspection query of tools is executed', async () => {
      const { getIntrospectionQuery } = await import('graphql')
      const gateway = await start()
      const query = getIntrospectionQuery({
        descriptions: true,
        inputValueDeprecation: true,
        oneOf: true,
        specifiedByUrl: true,
      })
      expect((await sendQuery(gateway, query)).text).toContain('"__schema"')
    })
  })

  describe(`${name}, variables of a wrong type`, () => {
    it.each([
      ['a fractional number of seconds', { maxDurationSeconds: 1.5 }],
      ['a missing field', {}],
      ['an unknown field', { maxDurationSeconds: 1, nmae: 'x' }],
      ['an invalid date', { maxDurationSeconds: 1, expiry: 'tomorrow' }],
    ])('such as %s are rejected with BAD_USER_INPUT', async (_name, input) => {
      const gateway = await start()
      const { text } = await sendQuery(
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

  describe(`${name}, a hidden schema`, () => {
    it.each([
      ['field', '{ uploadz { totalCount } }', 'Cannot query field'],
      ['argument', '{ upload(uit: "x") { uid } }', 'Unknown argument'],
      ['type', 'query ($a: Uplod) { upload(uid: $a) { uid } }', 'Unknown type'],
      ['enum value', '{ uploads(filter: { protocol: TUZ }) { totalCount } }', 'does not exist'],
    ])(
      'suggests no name for an unknown %s, by HTTP and WebSocket',
      async (_name, document, message) => {
        const gateway = await start({ INTROSPECTION: 'false' })
        for (const text of [
          (await sendQuery(gateway, document)).text,
          await queryByWebSocket(gateway, document),
        ]) {
          expect(text).toContain(message)
          expect(text).not.toMatch(/did you mean/i)
        }
        const open = await start()
        expect((await sendQuery(open, document)).text).toMatch(/did you mean/i)
      },
    )

    it('suggests no name for an unknown input field', async () => {
      const gateway = await start({ INTROSPECTION: 'false' })
      const { text } = await sendQuery(
        gateway,
        'mutation ($i: CreateDirectUploadInput!) { createDirectUpload(input: $i) { __typename } }',
        { i: { maxDurationSecond: 1 } },
      )
      expect(text).toContain('is not defined')
      expect(text).not.toMatch(/did you mean/i)
      expect(await queryByWebSocket(gateway, '{ __schema { description } }')).toContain(
        'introspection',
      )
    })
  })

  describe(`${name}, a caller`, () => {
    it('may open a limited number of WebSockets, independent of other callers', async () => {
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
      expect(await queryByWebSocket(gateway, '{ __typename }', token)).toContain('closed 1013')
      expect(await queryByWebSocket(gateway, '{ __typename }', await tokenFor('bob'))).toContain(
        'Query',
      )
      await clients[0]?.dispose()
      while (!(await queryByWebSocket(gateway, '{ __typename }', token)).includes('Query'));
      for (const client of clients) await client.dispose()
    })
  })

  it(`${name}, rejects a batch of operations with 400`, async () => {
    const gateway = await start()
    expect((await post(gateway, '[{"query":"{ __typename }"}]')).status).toBe(400)
  })
}
