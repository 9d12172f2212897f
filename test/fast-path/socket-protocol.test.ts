/** Compares the gateway's WebSocket replies to single messages with those of the graphql-ws server. */
import { once } from 'node:events'
import * as fc from 'fast-check'
import { GraphQLError, parse } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocketServer } from 'ws'
import { z } from 'zod'
import { createContext } from '../../src/graphql/context.ts'
import { schema } from '../../src/graphql/schema.ts'
import { wholeNumberFrom } from '../chaos/seed.ts'
import { id, subscribe, withUID } from './socket-inputs.ts'
import { type RawSocket, waitForReplies, connect, openRaw } from './socket-messages.ts'
import { type Setup, createSetup } from './setup.ts'
import { createTestUpload } from './upload-histories.ts'
import { until } from './subscription-clients.ts'

const seed = wholeNumberFrom('HEADGATE_FAST_PATH_SEED') ?? Math.floor(Math.random() * 1_000_000)
const runs = Math.min(1000, wholeNumberFrom('HEADGATE_FAST_PATH_OPERATIONS') ?? 40)

const message = fc.oneof(
  { weight: 6, arbitrary: subscribe },
  { weight: 3, arbitrary: id.map((name) => JSON.stringify({ id: name, type: 'complete' })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '{"type":"ping"}',
      '{"type":"ping","payload":{"a":[1]}}',
      '{"type":"pong"}',
      '{"type":"connection_init"}',
      '{"type":"nonsense"}',
      '{',
      '[]',
    ),
  },
)

/** With such an id in a close reason `ws` throws, and graphql-ws closes with 4500: a bug of graphql-ws. */
function isTooLong(text: string): boolean {
  try {
    const parsed: unknown = JSON.parse(text)
    const name = typeof parsed === 'object' && parsed !== null && 'id' in parsed ? parsed.id : ''
    return Buffer.byteLength(`Subscriber for ${String(name)} already exists`) > 123
  } catch {
    return false
  }
}

/**
 * Message types by id, data, and close code. The order of messages without an id is not compared:
 * pongs are sent while the caller is being authenticated.
 */
function summary(socket: RawSocket): string {
  const { byId, closed } = socket.transcript()
  const entries = [...byId]
    .toSorted(([a], [b]) => byText(a, b))
    .map(([name, texts]) => [
      name,
      name === '' ? texts.map(typeOf).toSorted(byText) : texts.map(typeOf),
    ])
  return JSON.stringify({ closed, entries })
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1
}

function typeOf(text: string): string {
  if (text.includes('"data":{')) return text
  return /"type":"(?<type>\w+)"/.exec(text)?.groups?.['type'] ?? ''
}

/** Serves the gateway's schema with graphql-ws, which expects the application to catch syntax errors. */
async function serveByLibrary(setup: Setup): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/graphql' })
  const viewer = {
    subject: 'local',
    isAdmin: true,
    canPlayAll: false,
    limits: null,
    expiresAt: null,
  }
  const served = useServer(
    {
      schema,
      context: () => createContext(setup.dependencies, viewer),
      onSubscribe(_context, _id, { query }) {
        try {
          parse(query)
          return undefined
        } catch (error) {
          return [z.instanceof(GraphQLError).parse(error)]
        }
      },
    },
    server,
  )
  onTestFinished(async () => {
    await served.dispose()
    server.close()
  })
  await once(server, 'listening')
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}

it(
  `replies like graphql-ws, with HEADGATE_FAST_PATH_SEED=${seed}`,
  { timeout: 300_000 },
  async () => {
    const setup = await createSetup({ auth: { kind: 'disabled' } })
    const library = await serveByLibrary(setup)
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        async (messages, isConnected) => {
          const { uid, record } = await createTestUpload(setup)
          const sockets = [await openRaw(setup.fast), await openRaw(library)] as const
          const [gateway, reference] = sockets
          if (isConnected) await connect(sockets)
          for (const text of messages) {
            if (isTooLong(text)) continue
            for (const socket of sockets) socket.send(withUID(text, uid))
            await waitForReplies(sockets, 'message')
            await until(() => summary(gateway) === summary(reference)).catch(() => undefined)
            expect(summary(gateway)).toEqual(summary(reference))
          }
          await record('bytes')
          await until(() => summary(gateway) === summary(reference)).catch(() => undefined)
          expect(summary(gateway)).toEqual(summary(reference))
          for (const socket of sockets) socket.close()
        },
      ),
      { seed, numRuns: runs, endOnFailure: true },
    )
    expect(setup.errors).toEqual([])
  },
)
