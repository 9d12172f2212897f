/** Changes of one upload at two gateways on one PostgreSQL, with webhooks, synchronization and a deletion. */
import { expect, it } from 'vitest'
import { z } from 'zod'
import { type Caller, tokenFor } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import {
  createDirectUpload,
  createTusUpload,
  deleteUpload,
  expectMinted,
  postFile,
  storageUsage,
  watchToEnd,
} from '../kit/operations.ts'
import { describeWithPostgres } from '../kit/postgres.ts'
import { expectUpdated, readUpload, updateUpload } from '../kit/update-upload.ts'
import { type TwoGateways, startTwoGateways } from './setup.ts'

const ROUNDS = 8

async function callersOf({ gateways }: TwoGateways): Promise<readonly [Caller, Caller]> {
  const token = await tokenFor('alice')
  return [gateways[0].as(token), gateways[1].as(token)]
}

const historySchema = z.object({
  upload: z.object({
    version: z.number(),
    history: z.array(z.object({ status: z.string(), source: z.string() })),
  }),
})

describeWithPostgres('updateUpload at two gateways', () => {
  it('loses no change of the name or of the metadata, which Stream stores as one object', async () => {
    const two = await startTwoGateways()
    const callers = await callersOf(two)
    const { uid } = expectMinted(
      await createDirectUpload(callers[0], { name: 'n', meta: { m: 0 } }),
    )
    for (let round = 1; round <= ROUNDS; round += 1) {
      const outcomes = await Promise.all([
        updateUpload(callers[round % 2 === 0 ? 0 : 1], { uid, name: `n${round}` }),
        updateUpload(callers[round % 2 === 0 ? 1 : 0], { uid, meta: { m: round } }),
      ])
      for (const outcome of outcomes) expectUpdated(outcome)
      const after = { name: `n${round}`, meta: { m: round }, version: 1 + 2 * round }
      for (const caller of callers) expect(await readUpload(caller, uid)).toMatchObject(after)
      const { videos } = await two.emulator.state()
      expect(videos[0]?.meta).toMatchObject({ name: `n${round}`, m: round })
    }
  })

  it('lets one of many changes win that expect the same version', async () => {
    const callers = await callersOf(await startTwoGateways())
    const { uid } = expectMinted(await createDirectUpload(callers[0]))
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        updateUpload(callers[index % 2 === 0 ? 0 : 1], {
          uid,
          expectedVersion: 1,
          name: `n${index}`,
        }),
      ),
    )
    const names = outcomes.flatMap(({ upload }) => (upload === undefined ? [] : [upload.name]))
    expect(names).toHaveLength(1)
    expect(outcomes.filter(({ __typename }) => __typename === 'ConflictError')).toHaveLength(11)
    expect(await readUpload(callers[1], uid)).toMatchObject({ name: names[0], version: 2 })
  })

  it('loses no change while webhooks and polls are recorded', async () => {
    const two = await startTwoGateways()
    const callers = await callersOf(two)
    const file = testcardFile()
    const minted = [
      expectMinted(await createDirectUpload(callers[0])),
      expectMinted(await createTusUpload(callers[1], { sizeBytes: file.size })),
    ]
    const statuses = await Promise.all(
      minted.map(async ({ uid, uploadURL }, index) => {
        const received = index === 0 ? postFile(uploadURL, file) : null
        for (let round = 1; round <= ROUNDS; round += 1) {
          for (const gateway of two.gateways) gateway.clock.advance(5)
          const [named, private_] = await Promise.all([
            updateUpload(callers[0], { uid, name: `n${round}` }),
            updateUpload(callers[1], { uid, requireSignedURLs: round % 2 === 0 }),
          ])
          expectUpdated(named)
          expectUpdated(private_)
          expect(await readUpload(callers[0], uid)).toMatchObject({
            name: `n${round}`,
            constraints: { requireSignedURLs: round % 2 === 0 },
          })
        }
        await received
        const { upload } = await callers[0].request(
          historySchema,
          'query ($uid: ID!) { upload(uid: $uid) { version history { status source } } }',
          { uid },
        )
        // Each change is one version, and each change of the status at most one more.
        expect(upload.version).toBeGreaterThanOrEqual(1 + 2 * ROUNDS)
        return received === null ? null : (await watchToEnd(callers[1], uid)).at(-1)?.status
      }),
    )
    expect(statuses).toEqual(['READY', null])
  })

  it('ends in DELETED, at Stream and in the record, when a deletion comes in between', async () => {
    const two = await startTwoGateways()
    const callers = await callersOf(two)
    for (let round = 0; round < ROUNDS; round += 1) {
      const { uid } = expectMinted(await createDirectUpload(callers[0]))
      const [, changed] = await Promise.all([
        deleteUpload(callers[round % 2 === 0 ? 0 : 1], uid),
        updateUpload(callers[1], { uid, name: 'a' }),
      ])
      expect(['UpdateUploadSuccess', 'UploadNotFoundError', 'InvalidInputError']).toContain(
        changed.__typename,
      )
      for (const caller of callers) {
        expect(await readUpload(caller, uid)).toMatchObject({ status: 'DELETED' })
      }
    }
    expect((await two.emulator.state()).videos).toEqual([])
    expect(await storageUsage(callers[0])).toMatchObject({ reservedMinutes: 0 })
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
