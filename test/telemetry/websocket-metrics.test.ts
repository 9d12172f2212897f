/** WebSockets in /metrics, with graphql-ws as it comes. */
import { type Client, createClient } from 'graphql-ws'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { TEST_SECRET, type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { type Scrape, scrape } from '../kit/metrics.ts'
import { createDirectUpload, deleteUpload, expectMinted } from '../kit/operations.ts'

function connect({ url }: TestGateway, token: string): Client {
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { authorization: `Bearer ${token}` },
  })
  onTestFinished(async () => {
    await client.dispose()
  })
  return client
}

const WATCH = 'subscription Watch($uid: ID!) { uploadStatus(uid: $uid) { status } }'

const openIn = (seen: Scrape) => ({
  sockets: seen.value('headgate_websocket_connections'),
  subscriptions: seen.value('headgate_subscriptions', { transport: 'websocket' }),
})

it('are counted while they are open, and what they carry', async () => {
  const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
  const token = await tokenFor('ada')
  const ada = gateway.as(token)
  const { uid } = expectMinted(await createDirectUpload(ada))
  const client = connect(gateway, token)
  const states = client.iterate({ query: WATCH, variables: { uid } })
  await states.next()
  expect(openIn(await scrape(gateway.url))).toEqual({ sockets: 1, subscriptions: 1 })

  await deleteUpload(ada, uid)
  for await (const _state of states);
  await client.dispose()
  await expect
    .poll(async () => openIn(await scrape(gateway.url)))
    .toEqual({ sockets: 0, subscriptions: 0 })
  const seen = await scrape(gateway.url)
  expect(
    seen.value('headgate_subscription_duration_seconds_count', {
      kind: 'subscription',
      operation: 'uploadStatus',
    }),
  ).toBe(1)
})

it('that are not let in are counted as refused', async () => {
  const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
  const stranger = connect(gateway, 'x.y.z')
  const states = stranger.iterate({ query: WATCH, variables: { uid: 'x' } })
  await expect(states.next()).rejects.toMatchObject({ code: 4403 })
  await expect
    .poll(async () => {
      const seen = await scrape(gateway.url)
      return seen.all('headgate_rejections_total').map(({ labels, value }) => [labels, value])
    })
    .toEqual([[{ route: 'websocket', reason: 'unauthenticated' }, 1]])
  expect(openIn(await scrape(gateway.url))).toEqual({ sockets: 0, subscriptions: 0 })
})
