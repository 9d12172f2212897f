/** Races of `updateUpload` with other changes, webhooks, polls and deletions; every store must pass them. */
import { expect, it } from 'vitest'
import { z } from 'zod'
import type { EmulatorState } from '../kit/emulator.ts'
import type { Caller } from '../kit/gateway.ts'
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
import { expectUpdated, readUpload, updateUpload } from '../kit/update-upload.ts'

const ROUNDS = 8

/** Gateways with one database, which no other test uses. */
export interface RacingGateways {
  /** The same caller, at two gateways if there are two. */
  readonly callers: readonly [Caller, Caller]
  /** Advances the clocks of the gateways, so that they poll Stream; real time otherwise. */
  readonly advance: (seconds: number) => void
  readonly emulatorState: () => Promise<EmulatorState>
}

const historySchema = z.object({
  upload: z.object({
    version: z.number(),
    history: z.array(z.object({ status: z.string(), source: z.string() })),
  }),
})

export function describeUpdateRaces(start: () => Promise<RacingGateways>): void {
  it('loses no change of the name or of the metadata, which Stream stores as one object', async () => {
    const { callers, emulatorState } = await start()
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
      const { videos } = await emulatorState()
      expect(videos[0]?.meta).toMatchObject({ name: `n${round}`, m: round })
    }
  })

  it('lets one of many changes win that expect the same version', async () => {
    const { callers } = await start()
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
    const { callers, advance } = await start()
    const file = testcardFile()
    const minted = [
      expectMinted(await createDirectUpload(callers[0])),
      expectMinted(await createTusUpload(callers[1], { sizeBytes: file.size })),
    ]
    const statuses = await Promise.all(
      minted.map(async ({ uid, uploadURL }, index) => {
        const received = index === 0 ? postFile(uploadURL, file) : null
        for (let round = 1; round <= ROUNDS; round += 1) {
          advance(5)
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
    const { callers, emulatorState } = await start()
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
    expect((await emulatorState()).videos).toEqual([])
    expect(await storageUsage(callers[0])).toMatchObject({ reservedMinutes: 0 })
  })
}
