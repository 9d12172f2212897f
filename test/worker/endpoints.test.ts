/** Endpoints of the Worker: the common contracts for HTTP and WebSocket, run against workerd. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { failedAudits } from '../contracts/http-audits.ts'
import { type StartGateway, describeEndpoints } from '../contracts/http-endpoints.ts'
import { describeLimits } from '../contracts/http-limits.ts'
import { type TestEmulator, startTestEmulator } from '../kit/emulator.ts'
import { TEST_SECRET } from '../kit/gateway.ts'
import { type TestWorker, startWorker } from '../kit/gateway-worker.ts'

const SECRET = 'the secret of the webhook'

let emulator: TestEmulator
/** One Worker per configuration, because starting one is slow. */
const workers = new Map<string, Promise<TestWorker>>()

beforeAll(async () => {
  emulator = await startTestEmulator()
})
afterAll(async () => {
  for (const worker of workers.values()) await (await worker).stop()
  await emulator.close()
})

const start: StartGateway = async (overrides = {}) => {
  const authentication = 'AUTH_JWT_SECRET' in overrides ? {} : { AUTH_DISABLED: 'true' }
  const variables = { STREAM_WEBHOOK_SECRET: SECRET, ...authentication, ...overrides }
  const key = JSON.stringify(variables)
  const starting = workers.get(key) ?? startWorker({ variables, stream: { emulator, by: 'both' } })
  workers.set(key, starting)
  const worker = await starting
  return { url: worker.url, as: (token) => worker.as(token), webhookSecret: async () => SECRET }
}

describeEndpoints('on Workers', start)
describeLimits('on Workers', start)

it('passes every GraphQL-over-HTTP audit with authentication enabled, on cold and warm caches', async () => {
  const { url } = await start({ AUTH_JWT_SECRET: TEST_SECRET })
  expect(await failedAudits(url)).toEqual([])
})
