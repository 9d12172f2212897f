/** Changes of one upload at two gateways on one PostgreSQL. */
import { expect, it } from 'vitest'
import { describeUpdateRaces } from '../contracts/update-races.ts'
import { type Caller, tokenFor } from '../kit/gateway.ts'
import { createDirectUpload, expectMinted, storageUsage } from '../kit/operations.ts'
import { describeWithPostgres } from '../kit/postgres.ts'
import { updateUpload } from '../kit/update-upload.ts'
import { type TwoGateways, startTwoGateways } from './setup.ts'

async function callersOf({ gateways }: TwoGateways): Promise<readonly [Caller, Caller]> {
  const token = await tokenFor('alice')
  return [gateways[0].as(token), gateways[1].as(token)]
}

describeWithPostgres('updateUpload at two gateways', () => {
  describeUpdateRaces(async () => {
    const two = await startTwoGateways()
    return {
      callers: await callersOf(two),
      advance(seconds) {
        for (const gateway of two.gateways) gateway.clock.advance(seconds)
      },
      emulatorState: () => two.emulator.state(),
    }
  })

  it('never exceeds the quota of a creator', async () => {
    const two = await startTwoGateways({ CREATOR_QUOTA_MINUTES: '10' })
    const callers = await callersOf(two)
    const uids = [
      expectMinted(await createDirectUpload(callers[0])).uid,
      expectMinted(await createDirectUpload(callers[1])).uid,
    ]
    await Promise.all([
      ...uids.map((uid, index) =>
        updateUpload(callers[index === 0 ? 0 : 1], { uid, maxDurationSeconds: 400 }),
      ),
      ...callers.map((caller) => createDirectUpload(caller, { maxDurationSeconds: 200 })),
    ])
    const { reservedMinutes } = await storageUsage(callers[0])
    expect(reservedMinutes).toBeLessThanOrEqual(10)
    expect((await two.emulator.state()).reservedSeconds).toBe(Math.round(reservedMinutes * 60))
  })
})
