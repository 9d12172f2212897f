/** Small files that make the media reader loop or allocate without end. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { constants, deflateRawSync } from 'node:zlib'

import { expect, onTestFinished, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { testcardFile } from '../kit/media.ts'
import { box, plainTables, plainVideo, u32, writeMp4 } from '../kit/mp4.ts'
import { childProcesses } from './kit/child-processes.ts'
import { equalFragments, filesBeingRead, fragmented } from './kit/hostile-files.ts'
import { pollUntil } from './kit/raw-request.ts'
import { createStreamClient } from './kit/stream-client.ts'

const UINT32_MAX = 0xff_ff_ff_ff
const { stts, stsc, stsz, stco } = plainTables

/** One entry claims 4,294,967,295 samples. */
const endlessSamples = writeMp4({
  video: (at) => [
    box('stts', u32(0, 1, UINT32_MAX, 1000)),
    box('ctts', u32(0, 1, 1, 0)),
    stsc,
    stsz,
    stco(at),
  ],
  padding: 360_000,
})
/** 40,000 entries claim so many offsets each, which takes the reader time but no memory. */
const endlessOffsets = writeMp4({
  video: (at) => [
    stts,
    box('ctts', u32(0, 40_000), u32(...Array.from({ length: 80_000 }, () => UINT32_MAX))),
    stsc,
    stsz,
    stco(at),
  ],
})
/** The first chunk's description holds for 4,294,967,294 chunks. */
const endlessChunks = writeMp4({
  audio: (at) => [stts, box('stsc', u32(0, 2, 1, 1, 1, UINT32_MAX, 1, 1)), stsz, stco(at)],
  padding: 360_000,
})
/** The only chunk has 4,294,967,295 samples. */
const endlessChunk = writeMp4({
  video: (at) => [stts, box('stsc', u32(0, 1, 1, UINT32_MAX, 1)), stsz, stco(at)],
  padding: 360_000,
})
const ENDLESS_FRAGMENT = box(
  'moof',
  box('mfhd', u32(0, 1)),
  box('traf', box('tfhd', u32(0, 1)), box('trun', u32(0, UINT32_MAX))),
)
/** A fragment of 4,294,967,295 samples that are all described by defaults. */
const endlessFragment = writeMp4({ ...fragmented, fragments: [ENDLESS_FRAGMENT] })
/** The same fragment behind 10,000 boxes: the check before the reader does not reach it, and the reader allocates without end. */
const endlessFragmentAfterBoxes = writeMp4({
  ...fragmented,
  fragments: [...Array.from({ length: 10_000 }, () => box('free')), ENDLESS_FRAGMENT],
})
/** 4,294,967,295 sample sizes of zero bits each. */
const endlessSizes = writeMp4({
  video: (at) => [stts, stsc, box('stz2', u32(0, 0, UINT32_MAX)), stco(at)],
})

async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'headgate-emulator-test-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

test('reads a file that is written box by box', async () => {
  const stream = createStreamClient(await startTestEmulator({ encodeMs: 0 }))
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  await stream.sendFile(uploadURL, new Blob([writeMp4({ audio: plainVideo })]))
  expect(await stream.details(uid)).toMatchObject({
    duration: 1,
    input: { width: 640, height: 360 },
    status: { state: 'ready' },
  })
})

test('an endless file ends in an error, and the emulator reads the next file', async () => {
  const emulator = await startTestEmulator({ encodeMs: 0 })
  const stream = createStreamClient(emulator)
  const before = process.memoryUsage()
  for (const bytes of [
    endlessSamples,
    endlessOffsets,
    endlessChunks,
    endlessChunk,
    endlessFragment,
    endlessSizes,
    endlessFragmentAfterBoxes,
    equalFragments,
  ]) {
    const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
    expect((await stream.sendFile(uploadURL, new Blob([bytes]))).status).toBe(200)
    expect(await stream.details(uid)).toMatchObject({
      duration: -1,
      status: { state: 'error', errorReasonCode: 'ERR_MALFORMED_VIDEO' },
    })
  }
  expect(process.memoryUsage().rss - before.rss).toBeLessThan(100_000_000)

  const valid = await stream.mintBasic({ maxDurationSeconds: 60 })
  await stream.sendFile(valid.uploadURL, testcardFile())
  expect((await stream.details(valid.uid)).status.state).toBe('ready')
}, 40_000)

test.each([
  ['of one creator', () => undefined],
  ['of 20 creators', (index: number) => `creator-${index}`],
] as const)(
  'a valid file does not wait for 20 slow files %s',
  async (_name, creatorOf) => {
    const directory = await temporaryFolder()
    const emulator = await startTestEmulator({ directory, encodeMs: 0 })
    const stream = createStreamClient(emulator)
    const upload = async (file: Blob, creator: string | undefined) => {
      const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60, creator })
      await stream.sendFile(uploadURL, file)
      return stream.details(uid)
    }
    let ended = 0
    for (let index = 0; index < 20; index += 1) {
      // The end of the test aborts these requests.
      void upload(new Blob([equalFragments]), creatorOf(index)).then(
        () => (ended += 1),
        () => undefined,
      )
    }
    await pollUntil(async () => {
      const { videos } = await emulator.state()
      return videos.length === 20 && videos.every(({ state }) => state !== 'pendingupload')
    })
    const started = ended + filesBeingRead(directory).length
    const valid = await upload(testcardFile(), creatorOf(20))
    expect(valid.status.state).toBe('ready')
    expect(ended + filesBeingRead(directory).length - started).toBeLessThanOrEqual(6)
  },
  60_000,
)

test('a process waits for the next file while a slow one is read', async () => {
  const directory = await temporaryFolder()
  const stream = createStreamClient(await startTestEmulator({ directory, encodeMs: 0 }))
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  // The end of the test aborts this request.
  void stream.sendFile(uploadURL, new Blob([equalFragments])).catch(() => null)
  await pollUntil(async () => filesBeingRead(directory).includes(uid))
  // The limits end the process that reads it.
  await pollUntil(async () => (await childProcesses('media-process.js')).length > 1)
  expect(filesBeingRead(directory)).toContain(uid)
})

test('slow files that wait to be read do not delay the next start', async () => {
  const directory = await temporaryFolder()
  const first = await startTestEmulator({ directory, encodeMs: 0 })
  const stream = createStreamClient(first)
  for (let index = 0; index < 20; index += 1) {
    const { uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
    // The end of the emulator aborts these requests.
    void stream.sendFile(uploadURL, new Blob([equalFragments])).catch(() => null)
  }
  await pollUntil(async () => {
    const { videos } = await first.state()
    return videos.every(({ state }) => state !== 'pendingupload')
  })
  await first.close()
  const second = await startTestEmulator({ directory, encodeMs: 0 })
  const unread = (await second.state()).videos.filter(({ state }) => state === 'inprogress')
  expect(unread.length).toBeGreaterThan(10)
})

test('a chunk with more samples than the file has bytes is found before the file is read', async () => {
  const stream = createStreamClient(await startTestEmulator({ encodeMs: 0 }))
  const startedAt = performance.now()
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  await stream.sendFile(uploadURL, new Blob([endlessChunk]))
  expect((await stream.details(uid)).status.errorReasonCode).toBe('ERR_MALFORMED_VIDEO')
  expect(performance.now() - startedAt).toBeLessThan(2000)
})

test('a movie that inflates to 1.9 GB does not end the process that reads it', async () => {
  const stream = createStreamClient(await startTestEmulator({ encodeMs: 0 }))
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  const movie = box('cmvd', u32(INFLATED_MIB * 1_048_576), deflatedZeros(INFLATED_MIB))
  const file = box('moov', box('cmov', box('dcom', Buffer.from('zlib')), movie))
  await stream.sendFile(uploadURL, new Blob([new Uint8Array(file)]))
  // A process that ends makes the file ERR_MALFORMED_VIDEO.
  expect((await stream.details(uid)).status.errorReasonCode).toBe('ERR_NON_VIDEO')
})

const INFLATED_MIB = 1900

/** A zlib stream of zeros (RFC 1950), written without the zeros. */
function deflatedZeros(mebibytes: number): Buffer {
  const block = deflateRawSync(Buffer.alloc(1_048_576), { finishFlush: constants.Z_FULL_FLUSH })
  const blocks = Array.from({ length: mebibytes }, () => block)
  const lastBlock = Buffer.from([3, 0])
  const adler32 = u32(((mebibytes * 1_048_576) % 65_521) * 65_536 + 1)
  return Buffer.concat([Buffer.from([0x78, 0x01]), ...blocks, lastBlock, adler32])
}

test('a file that was being read when the process ended is damaged at the next start', async () => {
  const directory = await temporaryFolder()
  const first = await startTestEmulator({ directory, encodeMs: 0 })
  const stream = createStreamClient(first)
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  // The end of the test aborts this request.
  const sending = stream.sendFile(uploadURL, new Blob([equalFragments])).catch(() => null)
  await pollUntil(async () => filesBeingRead(directory).includes(uid))

  const copy = await temporaryFolder()
  await cp(directory, copy, { recursive: true })
  const startedAt = performance.now()
  const second = await startTestEmulator({ directory: copy, encodeMs: 0 })
  expect(performance.now() - startedAt).toBeLessThan(2000)
  expect((await createStreamClient(second).details(uid)).status).toMatchObject({
    state: 'error',
    errorReasonCode: 'ERR_MALFORMED_VIDEO',
  })
  expect(filesBeingRead(copy)).toEqual([])

  // A regular close does not mark the file as damaged; it is read at the next start.
  const closedAt = performance.now()
  await first.close()
  expect(performance.now() - closedAt).toBeLessThan(1000)
  expect(filesBeingRead(directory)).toEqual([])
  await sending
})
