/** Quota of a creator, and the budget of requests to Stream. */
import { describe, expect, it } from 'vitest'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
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

describe('CREATOR_QUOTA_MINUTES', () => {
  it('is enforced per creator with concurrent requests', async () => {
    const gateway = await startTestGateway({
      AUTH_JWT_SECRET: TEST_SECRET,
      CREATOR_QUOTA_MINUTES: '10',
    })
    const ada = gateway.as(await tokenFor('ada'))
    const bob = gateway.as(await tokenFor('bob'))
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        index % 2 === 0 ? createDirectUpload(ada) : createTusUpload(ada, { sizeBytes: 5 }),
      ),
    )
    expect(outcomes.filter((outcome) => 'upload' in outcome)).toHaveLength(10)
    const rejected = outcomes.filter((outcome) => !('upload' in outcome))
    expect(new Set(rejected.map((outcome) => outcome.__typename))).toEqual(
      new Set(['QuotaExceededError']),
    )
    expect(rejected[0]).toMatchObject({ requestedMinutes: 1, availableMinutes: 0 })
    expectMinted(await createDirectUpload(bob, { maxDurationSeconds: 600 }))
    expect((await gateway.emulator.state()).videos).toHaveLength(11)
  })

  it('counts stored videos by their actual duration and releases deleted ones', async () => {
    const gateway = await startTestGateway({ CREATOR_QUOTA_MINUTES: '1' })
    const caller = gateway.as()
    const { uid, uploadURL } = expectMinted(await createDirectUpload(caller))
    expect(await createDirectUpload(caller, { maxDurationSeconds: 1 })).toMatchObject({
      __typename: 'QuotaExceededError',
    })
    await postFile(uploadURL, testcardFile())
    await watchToEnd(caller, uid)
    expect(await createDirectUpload(caller, { maxDurationSeconds: 55 })).toMatchObject({
      __typename: 'QuotaExceededError',
      availableMinutes: 0.9,
    })
    expectMinted(await createDirectUpload(caller, { maxDurationSeconds: 54 }))
    await deleteUpload(caller, uid)
    expectMinted(await createDirectUpload(caller, { maxDurationSeconds: 6 }))
    expect(await storageUsage(caller)).toMatchObject({ reservedMinutes: 1, storedMinutes: 0 })
  })
})

describe('STREAM_API_BUDGET', () => {
  it('rejects a creation above the budget with a retry delay that is sufficient', async () => {
    const gateway = await startTestGateway({ STREAM_API_BUDGET: '10' })
    const caller = gateway.as()
    const outcomes = []
    for (let mint = 0; mint < 12; mint += 1) outcomes.push(await createDirectUpload(caller))
    const rejected = outcomes.filter((outcome) => !('upload' in outcome))
    expect(rejected.length).toBeGreaterThanOrEqual(2)
    const { requests } = await gateway.emulator.state()
    expect(Object.values(requests).reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(10)
    const last = outcomes.at(-1)
    expect(last).toMatchObject({ __typename: 'RateLimitedError' })
    const wait = last !== undefined && 'retryAfterSeconds' in last ? last.retryAfterSeconds : 0
    expect(wait).toBeGreaterThan(290)
    gateway.clock.advance(wait)
    expectMinted(await createDirectUpload(caller))
  })
})
