/** The doors of the Worker: what every host promises by HTTP and by WebSocket, asked of workerd. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { failedAudits } from '../contracts/http-audits.ts'
import { type StartGateway, describeEndpoints } from '../contracts/http-endpoints.ts'
import { describeLimits } from '../contracts/http-limits.ts'
import { type TestEmulator, startTestEmulator } from '../kit/emulator.ts'
import { TEST_SECRET } from '../kit/gateway.ts'
import { type TestWorker, startWorker } from '../kit/gateway-worker.ts'

const SECRET = 'the secret of the webhook'

let emulator: TestEmulator
/** Started once for each configuration, since that takes longer than to ask it. */
const workers = new Map<string, Promise<TestWorker>>()

beforeAll(async () => {
  emulator = await startTestEmulator()
})
afterAll(async () => {
  for (const worker of workers.values()) await (await worker).stop()
  await emulator.close()
})

const start: StartGateway = async (wanted = {}) => {
  const callers = 'AUTH_JWT_SECRET' in wanted ? {} : { AUTH_DISABLED: 'true' }
  const variables = { STREAM_WEBHOOK_SECRET: SECRET, ...callers, ...wanted }
  const key = JSON.stringify(variables)
  const starting = workers.get(key) ?? startWorker({ variables, stream: { emulator, by: 'both' } })
  workers.set(key, starting)
  const worker = await starting
  return { url: worker.url, as: (token) => worker.as(token), webhookSecret: async () => SECRET }
}

describeEndpoints('on Workers', start)
describeLimits('on Workers', start)

it('passes every audit of GraphQL over HTTP, with tokens on, cold and warm', async () => {
  const { url } = await start({ AUTH_JWT_SECRET: TEST_SECRET })
  expect(await failedAudits(url)).toEqual([])
})
