/** For random claims and requests, what is minted never exceeds what the claims allow. */
import { randomUUID } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { createDirectUpload } from '../kit/operations.ts'
import { updateUpload } from '../kit/update-upload.ts'
import { endpoints } from './mint-by-endpoint.ts'

const CEILING_SECONDS = 3600
const MAX_BASIC_BYTES = 200_000_000

const claims = fc.record(
  {
    maxDurationSeconds: fc.integer({ min: 1, max: 5000 }),
    maxSizeBytes: fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.constant(MAX_BASIC_BYTES)),
    quotaMinutes: fc.integer({ min: 0, max: 100 }),
    createsPerMinute: fc.integer({ min: 1, max: 6 }),
    maxUploads: fc.integer({ min: 1, max: 6 }),
    requireSignedURLs: fc.constant(true),
    allowedOrigins: fc.constant(['guest.example.com']),
    meta: fc.constant({ campaign: 'spring' }),
  },
  { requiredKeys: [] },
)

const requests = fc.array(
  fc.record({
    endpoint: fc.integer({ min: 0, max: endpoints.length }),
    seconds: fc.oneof(
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 5000 }) },
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 60 }) },
    ),
    bytes: fc.integer({ min: 1, max: 2000 }),
    newSeconds: fc.integer({ min: 1, max: 5000 }),
  }),
  { minLength: 4, maxLength: 12 },
)

const listed = z.object({
  result: z.array(
    z.looseObject({
      uid: z.string(),
      requireSignedURLs: z.boolean(),
      allowedOrigins: z.array(z.string()),
      meta: z.record(z.string(), z.unknown()),
    }),
  ),
})

test('what is minted never exceeds the claims', { timeout: 120_000 }, async () => {
  const gateway = await startTestGateway({
    AUTH_JWT_SECRET: TEST_SECRET,
    MAX_DURATION_SECONDS: String(CEILING_SECONDS),
    EMULATOR_STORAGE_MINUTES: '1000000',
  })
  const { emulator } = gateway
  const settings = { allowedOrigins: ['*.example.com'], meta: { campaign: 'autumn' } }
  let minted = 0

  async function settingsAtStream(creator: string) {
    const response = await fetch(
      `${emulator.apiBaseUrl}/accounts/local/stream?creator=${creator}`,
      { headers: { authorization: 'Bearer local-token' } },
    )
    return listed.parse(await response.json()).result
  }

  const property = fc.asyncProperty(claims, requests, async (headgate, plan) => {
    const creator = `guest-${randomUUID()}`
    const token = await tokenFor(creator, { jti: randomUUID(), headgate })
    const caller = gateway.as(token)
    const videosOf = async () =>
      (await emulator.state()).videos.filter((video) => video.creator === creator)

    async function expectAllowed(): Promise<void> {
      const videos = await videosOf()
      const { maxDurationSeconds = CEILING_SECONDS, maxSizeBytes = Infinity } = headgate
      const longest = Math.min(maxDurationSeconds, CEILING_SECONDS)
      expect(videos.filter((video) => video.maxDurationSeconds > longest)).toEqual([])
      expect(
        videos.filter(({ uploadLength }) => (uploadLength ?? MAX_BASIC_BYTES) > maxSizeBytes),
      ).toEqual([])
      expect(videos.length).toBeLessThanOrEqual(headgate.maxUploads ?? Infinity)
      expect(videos.length).toBeLessThanOrEqual(headgate.createsPerMinute ?? Infinity)
      const reservedSeconds = videos.reduce((sum, video) => sum + video.maxDurationSeconds, 0)
      expect(reservedSeconds / 60).toBeLessThanOrEqual(headgate.quotaMinutes ?? Infinity)
      for (const video of await settingsAtStream(creator)) {
        expect(video.requireSignedURLs).toBe(headgate.requireSignedURLs ?? false)
        expect(video.allowedOrigins).toEqual(headgate.allowedOrigins ?? settings.allowedOrigins)
        expect(video.meta['campaign']).toBe(headgate.meta?.campaign ?? 'autumn')
      }
    }

    await Promise.all(
      plan.map(({ endpoint, seconds, bytes }) => {
        const [, mint] = endpoints[endpoint] ?? []
        return mint === undefined
          ? createDirectUpload(caller, { maxDurationSeconds: seconds, ...settings })
          : mint(gateway.url, token, { seconds, bytes, ...settings })
      }),
    )
    await expectAllowed()
    const videos = await videosOf()
    minted += videos.length
    await Promise.all(
      videos.map(({ uid }, index) =>
        updateUpload(caller, {
          uid,
          maxDurationSeconds: plan[index]?.newSeconds ?? 1,
          ...settings,
          ...(headgate.requireSignedURLs === true ? { requireSignedURLs: false } : {}),
        }),
      ),
    )
    await expectAllowed()
  })
  await fc.assert(property, { numRuns: 40 })
  expect(minted).toBeGreaterThan(20)
})
