/** Changes of one upload by concurrent requests of a Worker, with D1. */
import { describe, onTestFinished } from 'vitest'
import { describeUpdateRaces } from '../contracts/update-races.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { startWorker } from '../kit/gateway-worker.ts'
import { TEST_SECRET, tokenFor } from '../kit/gateway.ts'

const variables = { AUTH_JWT_SECRET: TEST_SECRET, RATE_LIMIT_CREATES: '1000' }

describe('updateUpload at a Worker', { timeout: 60_000 }, () => {
  describeUpdateRaces(async () => {
    const emulator = await startTestEmulator()
    const worker = await startWorker({ variables, stream: { emulator, by: 'token' } })
    onTestFinished(() => worker.stop())
    const caller = worker.as(await tokenFor('ada'))
    return {
      callers: [caller, caller],
      advance: () => undefined,
      emulatorState: () => emulator.state(),
    }
  })
})
