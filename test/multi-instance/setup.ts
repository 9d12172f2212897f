/** Starts two gateways on one PostgreSQL and one Stream emulator. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { type EmulatorControlApi, controlApiOf } from '../kit/emulator.ts'
import { TEST_SECRET, type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { createTestDatabase } from '../kit/postgres.ts'

export interface TwoGateways {
  readonly gateways: readonly [TestGateway, TestGateway]
  readonly emulator: EmulatorControlApi
  /** Secret that Stream signs webhooks with. */
  readonly webhookSecret: string
}

/** Webhooks go to the first gateway. `variables` are added to the environment of both. */
export async function startTwoGateways(
  variables: Readonly<Record<string, string>> = {},
): Promise<TwoGateways> {
  const database = variables['DATABASE_URL'] === undefined ? await createTestDatabase() : null
  const folder = await mkdtemp(join(tmpdir(), 'headgate-several-'))
  const emulator = await startEmulator({
    directory: join(folder, 'emulator'),
    storageMinutes: 100_000,
    encodeMs: 200,
  })
  // Registered first, so it runs last: after the gateways have stopped.
  onTestFinished(async () => {
    await emulator.close()
    await database?.drop()
    await rm(folder, { recursive: true, force: true })
  })
  const stream = createRestStreamApi({
    accountId: emulator.accountId,
    apiToken: emulator.token,
    baseUrl: emulator.apiBaseUrl,
  })
  // The secret stays the same when the webhook is set again, once a gateway listens.
  const { secret } = await stream.setWebhook('http://127.0.0.1:9/webhooks/stream')
  const shared = {
    DATABASE_URL: database?.url ?? '',
    CLOUDFLARE_ACCOUNT_ID: emulator.accountId,
    CLOUDFLARE_API_TOKEN: emulator.token,
    CLOUDFLARE_API_BASE_URL: emulator.apiBaseUrl,
    STREAM_WEBHOOK_SECRET: secret,
    AUTH_JWT_SECRET: TEST_SECRET,
    ...variables,
  }
  const gateways = [await startTestGateway(shared), await startTestGateway(shared)] as const
  await stream.setWebhook(`${gateways[0].url}/webhooks/stream`)
  return { gateways, emulator: controlApiOf(emulator.url), webhookSecret: secret }
}
