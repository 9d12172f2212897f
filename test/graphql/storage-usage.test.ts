/** `storageUsage` shows the account to administrators, and to other callers only what is theirs. */
import { expect, it } from 'vitest'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import {
  createDirectUpload,
  deleteUpload,
  expectMinted,
  postFile,
  storageUsage,
  watchToEnd,
} from '../kit/operations.ts'

/** Starts a gateway where ada stores a video of 7 seconds and reserves 4 minutes, and bob reserves 10. */
async function startWithTwoCallers(variables: Readonly<Record<string, string>> = {}) {
  const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET, ...variables })
  const ada = gateway.as(await tokenFor('ada'))
  const bob = gateway.as(await tokenFor('bob'))
  const root = gateway.as(await tokenFor('root', { scope: 'uploads:admin' }))
  const { uid, uploadURL } = expectMinted(await createDirectUpload(ada))
  await postFile(uploadURL, testcardFile())
  expect((await watchToEnd(ada, uid)).at(-1)?.status).toBe('READY')
  expectMinted(await createDirectUpload(ada, { maxDurationSeconds: 240 }))
  expectMinted(await createDirectUpload(bob, { maxDurationSeconds: 600 }))
  return { gateway, ada, bob, root, uid }
}

it("shows a caller's own usage and quota", async () => {
  const { ada, bob, uid } = await startWithTwoCallers({ CREATOR_QUOTA_MINUTES: '30' })
  const stored = (await storageUsage(ada)).storedMinutes
  expect(stored).toBeGreaterThan(0)
  expect(stored).toBeLessThan(0.5)
  expect(await storageUsage(ada)).toEqual({
    limitMinutes: 30,
    storedMinutes: stored,
    reservedMinutes: 4,
    availableMinutes: expect.closeTo(26 - stored, 6),
    videoCount: 1,
  })
  expect(await storageUsage(bob)).toEqual({
    limitMinutes: 30,
    storedMinutes: 0,
    reservedMinutes: 10,
    availableMinutes: 20,
    videoCount: 0,
  })
  await deleteUpload(ada, uid)
  expect(await storageUsage(ada)).toEqual({
    limitMinutes: 30,
    storedMinutes: 0,
    reservedMinutes: 4,
    availableMinutes: 26,
    videoCount: 0,
  })
})

it('shows no limit to a caller without a quota, and what the account has available', async () => {
  const { ada, bob } = await startWithTwoCallers()
  const { availableMinutes, ...usage } = await storageUsage(bob)
  expect(usage).toEqual({
    limitMinutes: null,
    storedMinutes: 0,
    reservedMinutes: 10,
    videoCount: 0,
  })
  expect(availableMinutes).toBeLessThan(986)
  expect(availableMinutes).toBeGreaterThan(985)
  expect(await storageUsage(ada)).toMatchObject({ availableMinutes, reservedMinutes: 4 })
})

it('limits what a caller has available to what the account has', async () => {
  const { ada, bob } = await startWithTwoCallers({
    CREATOR_QUOTA_MINUTES: '30',
    EMULATOR_STORAGE_MINUTES: '16',
  })
  const { availableMinutes } = await storageUsage(bob)
  expect(availableMinutes).toBeLessThan(2)
  expect(availableMinutes).toBeGreaterThan(1)
  expect(await storageUsage(ada)).toMatchObject({ availableMinutes, limitMinutes: 30 })
})

it('shows the usage of the account to an administrator', async () => {
  const { root } = await startWithTwoCallers({ CREATOR_QUOTA_MINUTES: '30' })
  const { availableMinutes, storedMinutes, ...usage } = await storageUsage(root)
  expect(usage).toEqual({ limitMinutes: 1000, reservedMinutes: 14, videoCount: 1 })
  expect(availableMinutes).toBeCloseTo(986 - storedMinutes, 6)
})

it('fails for every caller if Stream does not respond', async () => {
  const { gateway, bob } = await startWithTwoCallers({ CREATOR_QUOTA_MINUTES: '30' })
  await gateway.emulator.fault({ on: 'storage_usage', times: 10, status: 500 })
  await expect(storageUsage(bob)).rejects.toThrow('STREAM_UNAVAILABLE')
})
