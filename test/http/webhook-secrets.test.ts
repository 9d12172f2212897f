/** Webhook secrets: those of STREAM_WEBHOOK_SECRET and the secret of the emulator are all valid. */
import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import { createDirectUpload, expectMinted, postFile, watchToEnd } from '../kit/operations.ts'

const FIRST = '0123456789abcdef0123456789abcdef'
const SECOND = 'fedcba9876543210fedcba9876543210'

/** Returns the status of the response to a webhook signed with this secret. */
async function statusOf(url: string, secret: string, now: Date): Promise<number> {
  const time = Math.floor(now.getTime() / 1000)
  const body = JSON.stringify({ uid: 'a'.repeat(32), status: { state: 'ready' } })
  const signature = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')
  const response = await fetch(`${url}/webhooks/stream`, {
    method: 'POST',
    headers: { 'webhook-signature': `time=${time},sig1=${signature}` },
    body,
  })
  await response.body?.cancel()
  return response.status
}

describe('with the embedded emulator', () => {
  it('accepts webhooks signed with any secret of STREAM_WEBHOOK_SECRET', async () => {
    const gateway = await startTestGateway({ STREAM_WEBHOOK_SECRET: `${FIRST},${SECOND}` })
    const now = gateway.clock.now()
    expect(await statusOf(gateway.url, FIRST, now)).toBe(200)
    expect(await statusOf(gateway.url, SECOND, now)).toBe(200)
    expect(await statusOf(gateway.url, 'another secret of the webhook...', now)).toBe(401)
    expect(await statusOf(gateway.url, '', now)).toBe(401)
  })

  it("accepts the emulator's own webhooks", async () => {
    const gateway = await startTestGateway({ STREAM_WEBHOOK_SECRET: FIRST })
    const { uid, uploadURL } = expectMinted(await createDirectUpload(gateway.as()))
    const states = watchToEnd(gateway.as(), uid)
    await postFile(uploadURL, testcardFile())
    expect((await states).at(-1)?.status).toBe('READY')
    expect(gateway.logs.filter(({ message }) => message === 'webhook rejected')).toEqual([])
    expect(gateway.logs.filter(({ message }) => message === 'webhook applied')).toHaveLength(1)
  })
})
