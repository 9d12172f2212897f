/** The uploads of one token, with concurrent requests of a Worker and D1. */
import { describe, onTestFinished } from 'vitest'
import { describeTokenRaces } from '../contracts/token-races.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { startWorker } from '../kit/gateway-worker.ts'
import { TEST_SECRET, callerOf } from '../kit/gateway.ts'

const variables = { AUTH_JWT_SECRET: TEST_SECRET, RATE_LIMIT_CREATES: '1000' }

describe('a Worker', { timeout: 60_000 }, () => {
  describeTokenRaces(async () => {
    const emulator = await startTestEmulator({ storageMinutes: 100_000 })
    const worker = await startWorker({ variables, stream: { emulator, by: 'token' } })
    onTestFinished(() => worker.stop())
    return {
      // The server closes idle connections while the test still reuses them, if the machine is busy.
      as: (token) => [callerOf(`${worker.url}/graphql`, token, { connection: 'close' })],
      emulator,
      // A Worker keeps nothing between requests but its database and the hub.
      restart: () => Promise.resolve(),
    }
  })
})
