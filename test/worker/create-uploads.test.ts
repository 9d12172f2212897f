/** `createUploads` at a Worker, with D1. */
import { describe, onTestFinished } from 'vitest'
import { describeCreateUploads } from '../contracts/create-uploads.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { startWorker } from '../kit/gateway-worker.ts'
import { TEST_SECRET, tokenFor } from '../kit/gateway.ts'

describe('createUploads at a Worker', { timeout: 60_000 }, () => {
  describeCreateUploads(async (variables) => {
    const emulator = await startTestEmulator()
    const worker = await startWorker({
      variables: {
        AUTH_JWT_SECRET: TEST_SECRET,
        RATE_LIMIT_CREATES: '1000',
        CREATOR_QUOTA_MINUTES: '100',
        ...variables,
      },
      stream: { emulator, by: 'token' },
    })
    onTestFinished(() => worker.stop())
    const caller = worker.as(await tokenFor('ada'))
    return { callers: [caller, caller], as: (other) => worker.as(other) }
  })
})
