/** The uploads of one token, with SQLite. */
import { join } from 'node:path'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { describe, expect, it, onTestFinished } from 'vitest'
import { describeTokenRaces } from '../contracts/token-races.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { limitsOf } from '../kit/me.ts'
import { createDirectUpload } from '../kit/operations.ts'

async function start() {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-token-races-'))
  const emulator = await startTestEmulator({ storageMinutes: 100_000 })
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const variables = {
    AUTH_JWT_SECRET: TEST_SECRET,
    DATABASE_URL: `file:${join(folder, 'headgate.db')}`,
    CLOUDFLARE_ACCOUNT_ID: emulator.accountId,
    CLOUDFLARE_API_TOKEN: emulator.token,
    CLOUDFLARE_API_BASE_URL: emulator.apiBaseUrl,
  }
  let gateway = await startTestGateway(variables)
  return {
    as: (token: string) => [gateway.as(token)],
    emulator,
    async restart() {
      await gateway.stop()
      gateway = await startTestGateway(variables)
    },
    advance: (seconds: number) => gateway.clock.advance(seconds),
  }
}

describe('a gateway with SQLite', () => {
  describeTokenRaces(start)

  it('gives an upload back once it is known that a lost response left nothing', async () => {
    const { as, emulator, advance } = await start()
    const [caller] = as(await tokenFor('guest', { jti: 'link', headgate: { maxUploads: 1 } }))
    if (caller === undefined) throw new Error('No gateway is running.')
    await emulator.fault({ on: 'direct_upload', times: 1, hangUpAfter: true })
    expect(await createDirectUpload(caller)).toMatchObject({ code: 'STREAM_UNAVAILABLE' })
    expect(await createDirectUpload(caller)).toMatchObject({ code: 'FORBIDDEN' })
    while ((await limitsOf(caller)).remainingUploads === 0) advance(60)
    expect((await emulator.state()).videos).toEqual([])
    expect((await createDirectUpload(caller)).__typename).toBe('CreateDirectUploadSuccess')
  })
})
