/** The measured duration of files, and how much storage is reserved by it. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createUploadQueue } from '../../src/client/client.ts'
import { measureDuration } from '../../src/client/duration/measure-duration.ts'
import { withMargin } from '../../src/client/duration/reserved-duration.ts'
import { startTestGateway } from '../kit/gateway.ts'
import { type Container, repeatTestcard } from '../kit/long-video.ts'
import { damagedVideo, headlessVideo, testcard, testcardFile, textFile } from '../kit/media.ts'
import { clientOf, withAdvancingClock } from './kit.ts'

/** Files by their number of repetitions and container: from six seconds to a minute. */
const TEN_FILES: readonly (readonly [times: number, container: Container])[] = [
  [1, 'mp4'],
  [1, 'mkv'],
  [2, 'mov'],
  [2, 'ts'],
  [3, 'mp4'],
  [4, 'fragmented mp4'],
  [5, 'mov'],
  [6, 'mkv'],
  [8, 'ts'],
  [10, 'mp4'],
]

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, next) => total + next, 0)
}

describe('the reserved duration', () => {
  it('of ten files is at most 1.2 times their length, and enough for Stream', async () => {
    const gateway = await startTestGateway()
    const queue = createUploadQueue(clientOf(gateway))
    const files = await Promise.all(
      TEN_FILES.map(([times, container]) => repeatTestcard(times, { container })),
    )
    const idle = new Promise<void>((resolve) => {
      queue.subscribe(() => {
        const isDone = queue
          .getSnapshot()
          .every(({ state }) => state === 'ready' || state === 'failed')
        if (isDone) resolve()
      })
    })
    queue.add(files.map((file, index) => new File([file], `${index}-${file.name}`)))
    await withAdvancingClock(gateway.clock, idle)
    const uploads = queue.getSnapshot()
    expect(uploads.map(({ state }) => state)).toEqual(TEN_FILES.map(() => 'ready'))
    const reserved = sum(uploads.map(({ upload }) => upload?.constraints.maxDurationSeconds ?? 0))
    const length = sum(uploads.map(({ upload }) => upload?.video?.durationSeconds ?? 0))
    process.stdout.write(
      `reserved ${reserved} seconds for ${length.toFixed(1)} seconds of video: ${(reserved / length).toFixed(3)} times\n`,
    )
    expect(length).toBeGreaterThan(200)
    expect(reserved / length).toBeLessThanOrEqual(1.2)
  }, 60_000)

  it('has a margin of 2 % and half a second, in whole seconds, up to the maximum of Stream', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 35_000, noNaN: true }), (seconds) => {
        const reserved = withMargin(seconds)
        expect(Number.isInteger(reserved)).toBe(true)
        expect(reserved).toBeGreaterThanOrEqual(seconds * 1.02 + 0.5)
        expect(reserved).toBeLessThan(seconds * 1.02 + 1.5)
      }),
    )
    expect(withMargin(36_000)).toBe(36_000)
  })

  it('is measured when `upload` has no maxDurationSeconds', async () => {
    const gateway = await startTestGateway()
    const measured = await clientOf(gateway).upload(testcardFile('a.mp4'))
    const given = await clientOf(gateway).upload(testcardFile('b.mp4'), { maxDurationSeconds: 90 })
    expect(measured.constraints.maxDurationSeconds).toBe(7)
    expect(given.constraints.maxDurationSeconds).toBe(90)
  })

  it('is a guess from the size for a file that cannot be measured', async () => {
    const gateway = await startTestGateway()
    const upload = clientOf(gateway).upload(new Blob(['no video'.repeat(100_000)]))
    await expect(upload).rejects.toMatchObject({ code: 'VIDEO_FAILED' })
    expect((await gateway.emulator.state()).videos).toMatchObject([{ maxDurationSeconds: 100 }])
  })
})

describe('measureDuration', () => {
  it.each(['mp4', 'fragmented mp4', 'mov', 'mkv', 'ts'] as const)(
    'returns the duration of a video: %s',
    async (container) => {
      const seconds = await measureDuration(await repeatTestcard(2, { container }))
      expect(seconds).toBeCloseTo(2 * testcard.durationSeconds, 0)
    },
  )

  it.each([
    ['a text', textFile()],
    ['a file without tables', headlessVideo()],
    ['an empty file', new File([], 'empty.mp4')],
  ])('returns null for %s', async (_name, file) => {
    expect(await measureDuration(file)).toBeNull()
  })

  it('does not reject for a truncated file', async () => {
    const seconds = await measureDuration(damagedVideo())
    expect(seconds === null || seconds > 0).toBe(true)
  })
})
