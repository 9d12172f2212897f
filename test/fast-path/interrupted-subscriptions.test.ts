/** Subscriptions that end although further changes may follow: no client receives `complete`, so each reconnects. */
import { describe, expect, it } from 'vitest'
import type { UploadPubSub } from '../../src/uploads/ports/upload-pubsub.ts'
import { createSetup } from './setup.ts'
import { openEventStream, openSocket, until } from './subscription-clients.ts'
import { createTestUpload } from './upload-histories.ts'

const WATCH = 'subscription ($uid: ID!) { uploadStatus(uid: $uid) { status } }'
const MINT = 'mutation { createDirectUpload(input: { maxDurationSeconds: 60 }) { __typename } }'

/** A pub/sub whose connection a test can lose. */
function breakablePubSub() {
  let listeners: (() => void)[] = []
  return {
    pubsub: (pubsub: UploadPubSub): UploadPubSub => ({
      ...pubsub,
      subscribe(topic, listener, onLost = () => undefined) {
        listeners.push(onLost)
        return pubsub.subscribe(topic, listener, onLost)
      },
    }),
    lose: (): void => {
      for (const onLost of listeners) onLost()
      listeners = []
    },
  }
}

/** Creates a gateway whose fast path has compiled the subscription. */
async function start(server: 'fast' | 'fallback') {
  const { pubsub, lose } = breakablePubSub()
  let finishMint: (() => void) | null = null
  const setup = await createSetup({
    auth: { kind: 'disabled' },
    pubsub,
    stream: (stream) => ({
      ...stream,
      async createDirectUpload(...args) {
        await new Promise<void>((resolve) => {
          finishMint = resolve
        })
        return stream.createDirectUpload(...args)
      },
    }),
  })
  const { uid } = await createTestUpload(setup)
  const variables = { uid }
  for (let count = 0; count < 2; count += 1) {
    const client = openEventStream(setup[server], JSON.stringify({ query: WATCH, variables }))
    await until(() => client.results.length === 1, 'the first event')
    client.disconnect()
  }
  return {
    setup,
    lose,
    variables,
    isMinting: () => finishMint !== null,
    finishMint: () => finishMint?.(),
  }
}

describe.each(['fast', 'fallback'] as const)(
  'when changes are no longer delivered (%s)',
  (server) => {
    it('an event stream ends with a reconnect delay', async () => {
      const { setup, lose, variables } = await start(server)
      const client = openEventStream(setup[server], JSON.stringify({ query: WATCH, variables }))
      await until(() => client.results.length === 1, 'the first event')
      lose()
      await until(() => client.ended() !== null, 'the end')
      expect(client.ended()).toMatch(/^retry: ?1000\n: .*reconnect/)
    })

    it('a WebSocket closes with 1013, after its running mutation', async () => {
      const { setup, lose, variables, isMinting, finishMint } = await start(server)
      const client = await openSocket(setup[server])
      client.send({ id: '1', type: 'subscribe', payload: { query: WATCH, variables } })
      await until(() => client.messages.length === 1, 'the first event')
      client.send({ id: '2', type: 'subscribe', payload: { query: MINT } })
      await until(isMinting, 'the mutation')
      lose()
      finishMint()
      await until(() => client.closed() !== null, 'the close')
      expect(client.closed()).toBe(1013)
      const [, ...later] = client.messages
      expect(later).toEqual([
        expect.stringContaining('CreateDirectUploadSuccess'),
        '{"id":"2","type":"complete"}',
      ])
    })
  },
)
