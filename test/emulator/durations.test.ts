/** Files whose headers lie about their duration: the samples decide what is charged and what plays. */
import { expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { repeatTestcard } from '../kit/long-video.ts'
import { box, u32 } from '../kit/mp4.ts'
import { FRAME_BYTES, keyFrames, sameFrame, withMediaDuration } from './kit/hostile-files.ts'
import { durationsOf, playlistsOf, text } from './kit/playlists.ts'
import { createStreamClient } from './kit/stream-client.ts'

const HOUR = 3600

/** Uploads the file, and returns the state, the duration, and the seconds in the HLS playlist. */
async function uploaded(file: Blob, maxDurationSeconds = 36_000) {
  const stream = createStreamClient(await startTestEmulator({ encodeMs: 0 }))
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds })
  expect((await stream.sendFile(uploadURL, file)).status).toBe(200)
  const { status, duration, playback } = await stream.details(uid)
  const played = async () => {
    const { video } = await playlistsOf(playback.hls)
    return durationsOf(await text(video)).reduce((sum, seconds) => sum + seconds, 0)
  }
  return { state: status.errorReasonCode || status.state, duration, hls: playback.hls, played }
}

async function matroska(statedSeconds: number): Promise<Blob> {
  const file = await repeatTestcard(4, { container: 'mkv' })
  const bytes = Buffer.from(await file.arrayBuffer())
  // Duration, an element of eight bytes, in milliseconds.
  const at = bytes.indexOf(Buffer.from([0x44, 0x89, 0x88]))
  bytes.writeDoubleBE(statedSeconds * 1000, at + 3)
  return new Blob([bytes])
}

/** Two fragments of the test card that begin this many hours after zero. */
async function fragmentsFrom(hours: number): Promise<Blob> {
  const file = await repeatTestcard(2, { container: 'fragmented mp4' })
  const bytes = Buffer.from(await file.arrayBuffer())
  const timescales = [...positionsOf(bytes, 'mdhd')].map((at) => bytes.readUInt32BE(at + 12))
  const headers = [...positionsOf(bytes, 'tfhd')]
  for (const [index, at] of [...positionsOf(bytes, 'tfdt')].entries()) {
    const track = bytes.readUInt32BE((headers[index] ?? 0) + 4)
    const moved = BigInt(hours * HOUR * (timescales[track - 1] ?? 0))
    if (bytes[at] === 1) bytes.writeBigUInt64BE(bytes.readBigUInt64BE(at + 4) + moved, at + 4)
    else bytes.writeUInt32BE(bytes.readUInt32BE(at + 4) + Number(moved), at + 4)
  }
  return new Blob([bytes])
}

/** Yields the position of the content of each box of this type. */
function* positionsOf(bytes: Buffer, type: string): Generator<number> {
  for (let at = bytes.indexOf(type); at !== -1; at = bytes.indexOf(type, at + 4)) yield at + 4
}

test.each([
  ['MP4 of ten hours states one second', () => withMediaDuration(keyFrames(9000, 4), 1)],
  ['MP4 of ten hours states the largest number', () => withMediaDuration(keyFrames(9000, 4), 4e6)],
] as const)('%s', async (_name, file) => {
  const { state, duration } = await uploaded(new Blob([file()]), 60)
  expect({ state, duration }).toEqual({
    state: 'ERR_DURATION_EXCEED_CONSTRAINT',
    duration: 36_000,
  })
})

test('a Matroska file of 24 seconds that states one second is too long for 10 seconds', async () => {
  const { state, duration } = await uploaded(await matroska(1), 10)
  expect(state).toBe('ERR_DURATION_EXCEED_CONSTRAINT')
  expect(duration).toBeCloseTo(24, 0)
})

test.each([
  ['MP4 that states ten hours', () => withMediaDuration(keyFrames(6, 4), 10 * HOUR)],
  ['Matroska that states ten hours', () => matroska(10 * HOUR)],
  ['Matroska that states one second', () => matroska(1)],
  ['Matroska that states half a second less', () => matroska(23.5)],
] as const)('%s has the 24 seconds of its samples', async (_name, file) => {
  const { state, duration, played } = await uploaded(new Blob([await file()]))
  expect(state).toBe('ready')
  expect(Math.abs(duration - 24)).toBeLessThanOrEqual(0.5)
  expect(Math.abs((await played()) - 24)).toBeLessThanOrEqual(0.5)
})

test('fragments that begin ten hours after zero have the duration of their samples', async () => {
  const { state, duration, played } = await uploaded(await fragmentsFrom(10))
  expect(state).toBe('ready')
  expect(duration).toBeCloseTo(12, 0)
  expect(await played()).toBeCloseTo(12, 0)
})

test('what an edit list cuts off does not play', async () => {
  const movie = keyFrames(100, 4, [{ duration: 10_000, mediaTime: 0 }])
  const { duration, played } = await uploaded(new Blob([movie]))
  expect(duration).toBe(10)
  expect(Math.abs((await played()) - 10)).toBeLessThanOrEqual(0.5)
})

test('a file whose edit list hides more than a minute after the first key frame has no HLS', async () => {
  const movie = keyFrames(100, 4, [{ duration: 1000, mediaTime: 399_000 }])
  const { duration, hls } = await uploaded(new Blob([movie]))
  expect(duration).toBe(1)
  const response = await fetch(hls)
  expect(response.status).toBe(415)
  expect(await response.text()).toContain('its edit list hides more than a minute')
})

test('a second table of durations does not play longer than what is charged', async () => {
  const count = 100
  const durations = (ms: number) => box('stts', u32(0, 1, count, ms))
  const movie = sameFrame(count, {
    video: (at) => [
      durations(360_000),
      durations(10),
      box('stsc', u32(0, 1, 1, 1, 1)),
      box('stsz', u32(0, FRAME_BYTES, count)),
      box('stco', u32(0, count, ...Array.from({ length: count }, () => at))),
    ],
  })
  const { duration, played } = await uploaded(new Blob([movie]))
  expect(duration).toBe(1)
  expect(await played()).toBeLessThanOrEqual(1.5)
})
