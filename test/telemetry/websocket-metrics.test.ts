/** WebSockets in `/metrics`, with the unmodified graphql-ws client. */
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

const openIn = (metrics: Scrape) => ({
  sockets: metrics.value('headgate_websocket_connections'),
  subscriptions: metrics.value('headgate_subscriptions', { transport: 'websocket' }),
})

it('counts open WebSockets and their subscriptions', async () => {
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
  const metrics = await scrape(gateway.url)
  expect(
    metrics.value('headgate_subscription_duration_seconds_count', {
      kind: 'subscription',
      operation: 'uploadStatus',
    }),
  ).toBe(1)
})

it('counts rejected WebSockets as unauthenticated', async () => {
  const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
  const unauthenticated = connect(gateway, 'x.y.z')
  const states = unauthenticated.iterate({ query: WATCH, variables: { uid: 'x' } })
  await expect(states.next()).rejects.toMatchObject({ code: 4403 })
  await expect
    .poll(async () => {
      const metrics = await scrape(gateway.url)
      return metrics.all('headgate_rejections_total').map(({ labels, value }) => [labels, value])
    })
    .toEqual([[{ route: 'websocket', reason: 'unauthenticated' }, 1]])
  expect(openIn(await scrape(gateway.url))).toEqual({ sockets: 0, subscriptions: 0 })
})
