/** The uploads of one token, with two gateways on one PostgreSQL. */
import { createTestDatabase, describeWithPostgres } from '../kit/postgres.ts'
import { onTestFinished } from 'vitest'
import { describeTokenRaces } from '../contracts/token-races.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { TEST_SECRET, startTestGateway } from '../kit/gateway.ts'

describeWithPostgres('Two gateways on one PostgreSQL', () => {
  describeTokenRaces(async () => {
    const database = await createTestDatabase()
    onTestFinished(() => database.drop())
    const emulator = await startTestEmulator({ storageMinutes: 100_000 })
    const variables = {
      AUTH_JWT_SECRET: TEST_SECRET,
      DATABASE_URL: database.url,
      CLOUDFLARE_ACCOUNT_ID: emulator.accountId,
      CLOUDFLARE_API_TOKEN: emulator.token,
      CLOUDFLARE_API_BASE_URL: emulator.apiBaseUrl,
    }
    const startTwo = () => Promise.all([startTestGateway(variables), startTestGateway(variables)])
    let gateways = await startTwo()
    return {
      as: (token) => gateways.map((gateway) => gateway.as(token)),
      emulator,
      async restart() {
        await Promise.all(gateways.map((gateway) => gateway.stop()))
        gateways = await startTwo()
      },
    }
  })
})
