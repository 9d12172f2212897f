/** A restart as the client of graphql-ws sees it: it comes back by itself, and watches on. */
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createClient } from 'graphql-ws'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { quietPort } from '../chaos/gateway-process.ts'
import { type Build, type Run, addressOf, build, start } from '../kit/command.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { openLine } from './http-connection.ts'
import { MINT, minted } from './mint.ts'

let built: Build
beforeAll(async () => {
  built = await build()
}, 60_000)
afterAll(() => built.remove())

const eventSchema = z.object({
  value: z.object({ data: z.object({ uploadStatus: z.object({ status: z.string() }) }) }),
})

describe('a subscriber over WebSocket', { timeout: 60_000 }, () => {
  it('comes back after a restart and is shown the present state again', async () => {
    const emulator = await startTestEmulator()
    const port = await quietPort()
    const serve = (): Run =>
      start(built, ['serve'], {
        PORT: String(port),
        CLOUDFLARE_ACCOUNT_ID: emulator.accountId,
        CLOUDFLARE_API_TOKEN: emulator.token,
        CLOUDFLARE_API_BASE_URL: emulator.apiBaseUrl,
        DATABASE_URL: `file:${join(built.folder, 'come-back.db')}`,
        AUTH_DISABLED: 'true',
      })
    const before = serve()
    onTestFinished(() => void before.child.kill('SIGKILL'))
    const url = await addressOf(before)
    const { body } = await openLine(url).ask('/graphql', MINT)
    const { uid } = minted.parse(JSON.parse(body)).data.createDirectUpload.upload

    const client = createClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 200,
      retryWait: () => pause(50),
      // With one gateway nobody listens for a moment; behind a proxy the next one does already.
      shouldRetry: () => true,
    })
    onTestFinished(async () => {
      await client.dispose()
    })
    const states = client.iterate({
      query: 'subscription ($uid: ID!) { uploadStatus(uid: $uid) { status } }',
      variables: { uid },
    })
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
