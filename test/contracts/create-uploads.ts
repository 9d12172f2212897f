/** Behavior of `createUploads` that each host and store has: order, limits, idempotency keys. */
import { expect, test } from 'vitest'
import { randomUUID } from 'node:crypto'
import { type Caller, tokenFor } from '../kit/gateway.ts'
import { limitsOf } from '../kit/me.ts'
import { createUpload, createUploads, expectMinted, storageUsage } from '../kit/operations.ts'

/** Callers with the same token, at one gateway or at several on one database. */
export interface OpenedGateways {
  readonly callers: readonly [Caller, Caller]
  /** A caller with another token. */
  readonly as: (token: string) => Caller
}

type OpenGateways = (variables?: Readonly<Record<string, string>>) => Promise<OpenedGateways>

const uidsOf = (outcomes: Awaited<ReturnType<typeof createUploads>>): string[] =>
  outcomes.map((outcome) => expectMinted(outcome).uid)

/** @param open starts gateways with a quota of 100 minutes, and with these variables */
export function describeCreateUploads(open: OpenGateways): void {
  test('returns one result per input in their order, and an error of one affects no other', async () => {
    const { callers } = await open()
    const outcomes = await createUploads(callers[0], [
      { sizeBytes: 200_000_000 },
      { maxDurationSeconds: 0 },
      { sizeBytes: 200_000_001 },
      { creator: 'another creator' },
      { maxDurationSeconds: 36_000 },
      { reliableConnection: false },
      { sizeBytes: 0 },
      {},
    ])
    expect(outcomes.map((outcome) => outcome.__typename)).toEqual([
      'CreateDirectUploadSuccess',
      'InvalidInputError',
      'CreateTusUploadSuccess',
      'ForbiddenError',
      'QuotaExceededError',
      'CreateTusUploadSuccess',
      'InvalidInputError',
      'CreateDirectUploadSuccess',
    ])
    expect(outcomes[1]).toMatchObject({ issues: [{ path: ['maxDurationSeconds'] }] })
    expect(outcomes[6]).toMatchObject({ issues: [{ path: ['sizeBytes'] }] })
    expect(await storageUsage(callers[0])).toMatchObject({ reservedMinutes: 4 })
  })

  test('counts each upload towards the rate limit, and admits the first inputs', async () => {
    const { callers } = await open({ RATE_LIMIT_CREATES: '5' })
    // The keys are not in alphabetical order, and some inputs have none.
    const keys = ['z', null, 'm', 'a', null, 'y', 'b', null]
    const outcomes = await createUploads(
      callers[0],
      keys.map((idempotencyKey) => ({ idempotencyKey })),
    )
    expect(outcomes.map((outcome) => outcome.__typename)).toEqual([
      ...Array.from({ length: 5 }, () => 'CreateDirectUploadSuccess'),
      ...Array.from({ length: 3 }, () => 'RateLimitedError'),
    ])
    // Retries of the admitted keys have their uploads again; the others are still limited.
    const retried = await createUploads(
      callers[1],
      ['b', 'a', 'z'].map((idempotencyKey) => ({ idempotencyKey })),
    )
    expect(retried.map((outcome) => 'upload' in outcome && outcome.upload.uid)).toEqual([
      false,
      ...uidsOf([outcomes[3], outcomes[0]].filter((outcome) => outcome !== undefined)),
    ])
  })

  test('shares one upload among equal inputs with one key, and rejects a different one', async () => {
    const { callers } = await open()
    const inputs = [
      { idempotencyKey: 'key' },
      { idempotencyKey: 'key', maxDurationSeconds: 61 },
      { idempotencyKey: 'key' },
      { idempotencyKey: 'other' },
    ]
    const [first, conflicting, equal, other] = await createUploads(callers[0], inputs)
    expect(conflicting).toMatchObject({ __typename: 'IdempotencyConflictError' })
    expect(equal).toEqual(first)
    expect(other).toMatchObject({ __typename: 'CreateDirectUploadSuccess' })
    expect(await createUploads(callers[1], inputs)).toEqual([first, conflicting, first, other])
    expect(await storageUsage(callers[0])).toMatchObject({ reservedMinutes: 2 })
  })

  test('creates as many uploads as the token allows, within its limits', async () => {
    const { as } = await open()
    const headgate = {
      maxUploads: 3,
      maxSizeBytes: 1000,
      maxDurationSeconds: 60,
      meta: { project: 'one' },
      requireSignedURLs: true,
    }
    const guest = as(await tokenFor('guest', { jti: randomUUID(), headgate }))
    const outcomes = await createUploads(guest, [
      { sizeBytes: 1001 },
      { sizeBytes: 1000, idempotencyKey: 'key' },
      { maxDurationSeconds: 61 },
      ...Array.from({ length: 4 }, () => ({})),
    ])
    // Only tus limits a file to less than 200 MB.
    expect(outcomes.map((outcome) => outcome.__typename)).toEqual([
      'InvalidInputError',
      'CreateTusUploadSuccess',
      'InvalidInputError',
      'CreateTusUploadSuccess',
      'CreateTusUploadSuccess',
      'ForbiddenError',
      'ForbiddenError',
    ])
    expect((await limitsOf(guest)).remainingUploads).toBe(0)
    // A retry gets its upload, also with the settings of the token in the input.
    const retry = { idempotencyKey: 'key', meta: { project: 'two' }, requireSignedURLs: false }
    const second = outcomes[1]
    expect(await createUpload(guest, retry)).toEqual(second)
    expect(await createUpload(guest)).toMatchObject({ __typename: 'ForbiddenError' })
  })

  test('racing calls with the same keys get the same uploads', async () => {
    const { callers } = await open()
    const inputs = Array.from({ length: 20 }, (_, index) => ({ idempotencyKey: `key ${index}` }))
    const [one, other] = await Promise.all(
      callers.map((caller, index) =>
        createUploads(caller, index === 0 ? inputs : inputs.toReversed()),
      ),
    )
    if (one === undefined || other === undefined) throw new Error('Two calls are required.')
    expect(uidsOf(other).toReversed()).toEqual(uidsOf(one))
    expect(new Set(uidsOf(one)).size).toBe(20)
    expect(await storageUsage(callers[0])).toMatchObject({ reservedMinutes: 20 })
  })
}
