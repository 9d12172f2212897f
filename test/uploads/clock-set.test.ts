/** A system clock that is set back or ahead while the gateway runs: durations stay correct. */
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { createDeadlines } from '../../src/shared/deadlines.ts'
import { createWatchRegistry } from '../../src/uploads/watch/watch-registry.ts'
import { createTestClock } from '../kit/clock.ts'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import { createDirectUpload, expectMinted, postFile } from '../kit/operations.ts'
import { after } from '../kit/samples.ts'

const TWO_HOURS = 7200

async function statusOf(gateway: TestGateway, uid: string): Promise<string> {
  const { upload } = await gateway
    .as()
    .request(
      z.object({ upload: z.object({ status: z.string() }) }),
      'query ($uid: ID!) { upload(uid: $uid) { status } }',
      { uid },
    )
  return upload.status
}

/** Returns every status without a view of one upload, which would have it polled earlier. */
async function statuses(gateway: TestGateway): Promise<readonly string[]> {
  const { uploads } = await gateway.as().request(
    z.object({
      uploads: z.object({ nodes: z.array(z.object({ status: z.string() })) }),
    }),
    '{ uploads { nodes { status } } }',
  )
  return uploads.nodes.map(({ status }) => status)
}

/** Advances both clocks until every upload is READY, for at most so many seconds. */
async function statusesWithin(gateway: TestGateway, within: number): Promise<readonly string[]> {
  for (let seconds = 0; seconds < within; seconds += 1) {
    if ((await statuses(gateway)).every((status) => status === 'READY')) break
    gateway.clock.advance(1)
    await gateway.emulator.advanceClock(1)
  }
  return statuses(gateway)
}

describe.each([
  ['without a budget', {}],
  ['within a budget', { STREAM_API_BUDGET: '1000' }],
])('Retry-After of Stream, %s', (_name, variables) => {
  test('is respected when the clock is set back', async () => {
    const gateway = await startTestGateway(variables)
    gateway.clock.set(TWO_HOURS)
    await gateway.emulator.fault({ on: 'direct_upload', status: 429, retryAfterSeconds: 5 })
    const rateLimited = { __typename: 'RateLimitedError' }
    expect(await createDirectUpload(gateway.as())).toMatchObject(rateLimited)
    gateway.clock.set(-TWO_HOURS)
    const outcome = await createDirectUpload(gateway.as())
    expect(outcome).toMatchObject(rateLimited)
    expect('retryAfterSeconds' in outcome && outcome.retryAfterSeconds).toBeLessThanOrEqual(5)
    gateway.clock.advance(6)
    expectMinted(await createDirectUpload(gateway.as()))
  })
})

test('a limit per minute stays the same when the clock is set', async () => {
  const gateway = await startTestGateway({ RATE_LIMIT_CREATES: '2' })
  gateway.clock.set(TWO_HOURS)
  for (const _ of [1, 2]) expectMinted(await createDirectUpload(gateway.as()))
  for (const seconds of [TWO_HOURS, -2 * TWO_HOURS]) {
    gateway.clock.set(seconds)
    const outcome = await createDirectUpload(gateway.as())
    expect(outcome).toMatchObject({ __typename: 'RateLimitedError' })
  }
  gateway.clock.advance(61)
  expectMinted(await createDirectUpload(gateway.as()))
})

describe('synchronization', () => {
  test('continues after the Retry-After of Stream when the clock is set back', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'webhook', times: 1000, drop: true })
    const { uid, uploadURL } = expectMinted(await createDirectUpload(gateway.as()))
    await gateway.emulator.fault({ on: 'list', status: 429, retryAfterSeconds: 20 })
    const listed = async () => (await gateway.emulator.state()).requests['list'] ?? 0
    while ((await listed()) === 0) {
      gateway.clock.advance(5)
      await statusOf(gateway, uid)
    }
    gateway.clock.set(-TWO_HOURS)
    await postFile(uploadURL, testcardFile())
    expect(await statusesWithin(gateway, 90)).toEqual(['READY'])
  })

  test('polls uploads whose poll time was set while the clock was ahead', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'webhook', times: 1000, drop: true })
    gateway.clock.set(TWO_HOURS)
    const { uploadURL } = expectMinted(await createDirectUpload(gateway.as()))
    for (let round = 0; round < 5; round += 1) {
      gateway.clock.advance(1)
      await statuses(gateway)
    }
    gateway.clock.set(-TWO_HOURS)
    await postFile(uploadURL, testcardFile())
    expect(await statusesWithin(gateway, 90)).toEqual(['READY'])
  })
})

test('an operation times out when the clock is set back', async () => {
  const clock = createTestClock(() => 0)
  const closing = new AbortController()
  const late = vi.fn<() => void>()
  const deadlines = createDeadlines({ clock, closing: closing.signal }, 30_000)
  deadlines.start(late)
  clock.set(-TWO_HOURS)
  clock.advance(29)
  await Promise.resolve()
  expect(late).not.toHaveBeenCalled()
  clock.advance(1)
  await Promise.resolve()
  await Promise.resolve()
  expect(late).toHaveBeenCalledOnce()
  closing.abort()
})

test('a view lasts its seconds when the clock is set back', () => {
  const watchers = createWatchRegistry()
  watchers.recordView('a', after(TWO_HOURS))
  expect(watchers.watchedUids(after(0))).toEqual(new Set())
  watchers.recordView('a', after(0))
  expect(watchers.watchedUids(after(1))).toEqual(new Set(['a']))
})
