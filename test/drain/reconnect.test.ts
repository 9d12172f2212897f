/** A gateway restart with graphql-ws and graphql-sse clients, which reconnect and continue their subscriptions. */
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createClient as createSseClient } from 'graphql-sse'
import { createClient } from 'graphql-ws'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { findFreePort } from '../chaos/gateway-process.ts'
import { type Build, type Run, addressOf, build, start } from '../kit/command.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { openConnection } from './http-connection.ts'
import { CREATE_UPLOAD, successSchema } from './mint.ts'

let built: Build
beforeAll(async () => {
  built = await build()
}, 60_000)
afterAll(() => built.remove())

const eventSchema = z.object({
  value: z.object({ data: z.object({ uploadStatus: z.object({ status: z.string() }) }) }),
})

const operation = (uid: string) => ({
  query: 'subscription ($uid: ID!) { uploadStatus(uid: $uid) { status } }',
  variables: { uid },
})

/** Returns the results of a subscription, by an unmodified client. */
type Subscribe = (url: string, uid: string) => AsyncIterator<unknown>

// With one gateway, connections are refused during the restart; behind a proxy another one accepts.
const clients: readonly (readonly [name: string, subscribe: Subscribe])[] = [
  [
    'graphql-ws',
    (url, uid) => {
      const client = createClient({
        url: `${url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        retryAttempts: 200,
        retryWait: () => pause(50),
        shouldRetry: () => true,
      })
      onTestFinished(async () => {
        await client.dispose()
      })
      return client.iterate(operation(uid))
    },
  ],
  [
    'graphql-sse',
    (url, uid) => {
      const client = createSseClient({
        url: `${url}/graphql`,
        retryAttempts: 200,
        retry: () => pause(50),
      })
      onTestFinished(() => client.dispose())
      return client.iterate(operation(uid))
    },
  ],
]

describe.each(clients)('a %s client', { timeout: 60_000 }, (name, subscribe) => {
  it('reconnects after a gateway restart and receives the current state again', async () => {
    const emulator = await startTestEmulator()
    const port = await findFreePort()
    const serve = (): Run =>
      start(built, ['serve'], {
        PORT: String(port),
        CLOUDFLARE_ACCOUNT_ID: emulator.accountId,
        CLOUDFLARE_API_TOKEN: emulator.token,
        CLOUDFLARE_API_BASE_URL: emulator.apiBaseUrl,
        DATABASE_URL: `file:${join(built.folder, `reconnect-${name}.db`)}`,
        AUTH_DISABLED: 'true',
      })
    const before = serve()
    onTestFinished(() => void before.child.kill('SIGKILL'))
    const url = await addressOf(before)
    const { body } = await openConnection(url).request('/graphql', CREATE_UPLOAD)
    const { uid } = successSchema.parse(JSON.parse(body)).data.createDirectUpload.upload

    const states = subscribe(url, uid)
    const next = async () => {
      const event = eventSchema.parse(await states.next())
      return event.value.data.uploadStatus.status
    }
    expect(await next()).toBe('PENDING_UPLOAD')

    before.child.kill('SIGTERM')
    expect(await before.ended).toBe(0)
    const after = serve()
    onTestFinished(() => void after.child.kill('SIGKILL'))
    await addressOf(after)
    expect(await next()).toBe('PENDING_UPLOAD')
  })
})
