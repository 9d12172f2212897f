/** Subscriptions over WebSocket with the unmodified graphql-ws client. */
import { type Client, createClient } from 'graphql-ws'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { TEST_SECRET, type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import { createDirectUpload, expectMinted, postFile } from '../kit/operations.ts'

const WATCH = 'subscription ($uid: ID!) { uploadStatus(uid: $uid) { status version } }'
const watched = z.object({ uploadStatus: z.object({ status: z.string(), version: z.number() }) })

function connect(gateway: TestGateway, token?: string): Client {
  const client = createClient({
    url: `${gateway.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    ...(token === undefined ? {} : { connectionParams: { authorization: `Bearer ${token}` } }),
  })
  onTestFinished(async () => {
    await client.dispose()
  })
  return client
}

async function statesOf(client: Client, uid: string): Promise<string[]> {
  const states: string[] = []
  for await (const { data, errors } of client.iterate({ query: WATCH, variables: { uid } })) {
    if (errors !== undefined) throw new Error(JSON.stringify(errors))
    states.push(watched.parse(data).uploadStatus.status)
  }
  return states
}

describe('a WebSocket', () => {
  it('sends the current state, then the changes, and completes', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const token = await tokenFor('ada')
    const { uid, uploadURL } = expectMinted(await createDirectUpload(gateway.as(token)))
    const states = statesOf(connect(gateway, token), uid)
    await postFile(uploadURL, testcardFile())
    expect((await states)[0]).toBe('PENDING_UPLOAD')
    expect((await states).at(-1)).toBe('READY')
  })

  it('is closed with 4403 if the token is invalid', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    for (const token of [undefined, 'x.y.z']) {
      await expect(statesOf(connect(gateway, token), 'x')).rejects.toMatchObject({ code: 4403 })
    }
  })

  it("returns UPLOAD_NOT_FOUND for another creator's upload", async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const ada = gateway.as(await tokenFor('ada'))
    const { uid } = expectMinted(await createDirectUpload(ada))
    const bob = connect(gateway, await tokenFor('bob'))
    await expect(statesOf(bob, uid)).rejects.toThrow('UPLOAD_NOT_FOUND')
  })

  it('is rejected with 403 for an origin that is not allowed', async () => {
    const gateway = await startTestGateway()
    const socket = new WebSocket(
      `${gateway.url.replace('http', 'ws')}/graphql`,
      'graphql-transport-ws',
      {
        origin: 'https://evil.example.com',
      },
    )
    const status = await new Promise((resolve) => {
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode))
      socket.on('error', () => undefined)
    })
    expect(status).toBe(403)
  })

  it.each([
    ['a message type of servers', '{"type":"connection_ack"}', 4400],
    ['malformed JSON', '{', 4400],
    [
      'an operation before connection_init',
      '{"type":"subscribe","id":"1","payload":{"query":"{a}"}}',
      4401,
    ],
    [
      'a message that is too large',
      `{"type":"ping","payload":{"a":"${'a'.repeat(300_000)}"}}`,
      1009,
    ],
  ])(
    'that sends %s is closed without a warning or an error in the log',
    async (_name, message, code) => {
      const gateway = await startTestGateway()
      const socket = new WebSocket(
        `${gateway.url.replace('http', 'ws')}/graphql`,
        'graphql-transport-ws',
      )
      socket.on('open', () => socket.send(message))
      expect(await new Promise((resolve) => socket.on('close', resolve))).toBe(code)
      expect(gateway.logs.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([])
    },
  )

  it('is closed with 4403 when its token expires, so that the client reconnects with a new one', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const client = connect(gateway, await tokenFor('ada'))
    const closed = new Promise((resolve) => client.on('closed', resolve))
    const states = client.iterate({ query: 'subscription { uploadsChanged { uid } }' })
    void states.next().catch(() => undefined)
    await new Promise((resolve) => client.on('connected', resolve))
    gateway.clock.advance(3601)
    expect(await closed).toMatchObject({ code: 4403 })
  })

  it('is closed with 1012 when the gateway stops', async () => {
    const gateway = await startTestGateway()
    const { uid } = expectMinted(await createDirectUpload(gateway.as()))
    const client = connect(gateway)
    const closed = new Promise((resolve) => client.on('closed', resolve))
    const states = client.iterate({ query: WATCH, variables: { uid } })
    await states.next()
    await gateway.stop()
    expect(await closed).toMatchObject({ code: 1012 })
  })
})
