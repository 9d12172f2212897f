/** Subscriptions whose token expires: graphql-sse and graphql-ws reconnect with a new token and receive READY. */
import { createClient as createSseClient } from 'graphql-sse'
import { createClient as createWsClient } from 'graphql-ws'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { ALLOWED_ORIGIN, createSetup } from '../fast-path/setup.ts'
import { openEventStream, openSocket, until } from '../fast-path/subscription-clients.ts'
import { createTestUpload } from '../fast-path/upload-histories.ts'
import { TEST_SECRET, type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import { createDirectUpload, expectMinted, postFile } from '../kit/operations.ts'

const WATCH = 'subscription ($uid: ID!) { uploadStatus(uid: $uid) { status } }'
const watched = z.object({ uploadStatus: z.object({ status: z.string() }) })

async function authorization() {
  return { authorization: `Bearer ${await tokenFor('ada')}` }
}

interface Result {
  readonly data?: unknown
}

/** An unmodified client that calls `getToken` for each connection. */
type OpenClient = (
  gateway: TestGateway,
  getToken: () => Promise<string>,
  variables: Record<string, unknown>,
) => AsyncIterableIterator<Result>

const CLIENTS: readonly (readonly [name: string, open: OpenClient])[] = [
  [
    'graphql-sse',
    (gateway, getToken, variables) => {
      const client = createSseClient({
        url: `${gateway.url}/graphql`,
        headers: async () => ({ authorization: `Bearer ${await getToken()}` }),
        retry: async () => undefined,
      })
      onTestFinished(() => client.dispose())
      return client.iterate({ query: WATCH, variables })
    },
  ],
  [
    'graphql-ws',
    (gateway, getToken, variables) => {
      const client = createWsClient({
        url: `${gateway.url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        connectionParams: async () => ({ authorization: `Bearer ${await getToken()}` }),
        retryWait: async () => undefined,
      })
      onTestFinished(async () => {
        await client.dispose()
      })
      return client.iterate({ query: WATCH, variables })
    },
  ],
]

describe.each(CLIENTS)('%s', (_name, open) => {
  it.each([
    ['first', 0],
    ['repeated', 3],
  ])(
    'reconnects with a new token and receives READY, by a %s subscription',
    async (_kind, warmUps) => {
      const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
      const inAMinute = Math.floor(Date.now() / 1000) + 60
      const { uid, uploadURL } = expectMinted(
        await createDirectUpload(gateway.as(await tokenFor('ada'))),
      )
      for (let count = 0; count < warmUps; count += 1) {
        const results = open(gateway, () => tokenFor('ada'), { uid })
        await results.next()
        await results.return?.()
      }
      let connections = 0
      const getToken = (): Promise<string> => {
        connections += 1
        return tokenFor('ada', connections === 1 ? { exp: inAMinute } : {})
      }
      const seen: string[] = []
      for await (const { data } of open(gateway, getToken, { uid })) {
        seen.push(watched.parse(data).uploadStatus.status)
        if (seen.length === 1) gateway.clock.advance(90)
        if (seen.length === 2) await postFile(uploadURL, testcardFile())
      }
      expect(connections).toBe(2)
      expect(seen.slice(0, 2)).toEqual(['PENDING_UPLOAD', 'PENDING_UPLOAD'])
      expect(seen.at(-1)).toBe('READY')
    },
  )
})

describe('an event stream', () => {
  it.each([
    ['of the fast path', 'fast'],
    ['of the fallback', 'fallback'],
  ] as const)(
    '%s that is interrupted ends with a reconnect delay and without `complete`',
    async (_what, server) => {
      const setup = await createSetup()
      const upload = await createTestUpload(setup, await authorization())
      const body = JSON.stringify({ query: WATCH, variables: { uid: upload.uid } })
      const exp = Math.floor(setup.clock.now().getTime() / 1000) + 60
      const headers = {
        authorization: `Bearer ${await tokenFor('ada', { exp })}`,
        origin: ALLOWED_ORIGIN,
      }
      const openStream = async () => {
        const client = openEventStream(setup[server], body, headers)
        await until(() => client.results.length === 1, 'the first event')
        return client
      }
      for (let count = 0; count < 2; count += 1) (await openStream()).disconnect()
      const expiring = await openStream()
      setup.clock.advance(61)
      await until(() => expiring.ended() !== null, 'the end')
      expect(expiring.ended()).toMatch(/^retry: ?1000\n: .*reconnect/)
    },
  )

  it.each(['fast', 'fallback'] as const)(
    'ends without `complete` when the gateway stops (%s)',
    async (server) => {
      const setup = await createSetup({ auth: { kind: 'disabled' } })
      const upload = await createTestUpload(setup)
      const body = JSON.stringify({ query: WATCH, variables: { uid: upload.uid } })
      const openStream = async () => {
        const client = openEventStream(setup[server], body)
        await until(() => client.results.length === 1, 'the first event')
        return client
      }
      for (let count = 0; count < 2; count += 1) (await openStream()).disconnect()
      const watching = await openStream()
      setup.close()
      await until(() => watching.ended() !== null, 'the end')
      expect(watching.ended()).toMatch(/^retry: ?1000\n: .*reconnect/)
    },
  )

  it.each(['fast', 'fallback'] as const)('that is over completes (%s)', async (server) => {
    const setup = await createSetup({ auth: { kind: 'disabled' } })
    const upload = await createTestUpload(setup)
    const body = JSON.stringify({ query: WATCH, variables: { uid: upload.uid } })
    for (let count = 0; count < 2; count += 1) {
      const client = openEventStream(setup[server], body)
      await until(() => client.results.length === 1, 'the first event')
      client.disconnect()
    }
    const watching = openEventStream(setup[server], body)
    await until(() => watching.results.length === 1, 'the first event')
    await upload.record('ready')
    await until(() => watching.ended() !== null, 'the end')
    expect(watching.ended()).toBe('event: complete\ndata:')
  })
})

it.each(['fast', 'fallback'] as const)(
  'a WebSocket subscription whose token expires gets no `complete` (%s)',
  async (server) => {
    const setup = await createSetup()
    const upload = await createTestUpload(setup, await authorization())
    const exp = Math.floor(setup.clock.now().getTime() / 1000) + 60
    const token = await tokenFor('ada', { exp })
    const client = await openSocket(setup[server], token)
    const payload = { query: WATCH, variables: { uid: upload.uid } }
    for (const id of ['1', '2', '3']) {
      client.send({ id, type: 'subscribe', payload })
      await until(() => client.messages.some((text) => text.includes(`"id":"${id}"`)), 'an event')
    }
    setup.clock.advance(61)
    await until(() => client.closed() !== null, 'the close')
    expect(client.closed()).toBe(4403)
    expect(client.messages.filter((text) => text.includes('"complete"'))).toEqual([])
  },
)
