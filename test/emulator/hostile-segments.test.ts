/** Files whose manifests, segments or attachments cost much time or memory. */
import { execFile } from 'node:child_process'
import { mkdtemp, open, readdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'

import { expect, onTestFinished, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { repeatTestcard } from '../kit/long-video.ts'
import { testcardFile } from '../kit/media.ts'
import { u32 } from '../kit/mp4.ts'
import { elementHeader, keyFrames, oneChunk } from './kit/hostile-files.ts'
import { pollUntil } from './kit/raw-request.ts'
import { createStreamClient, type StreamClient } from './kit/stream-client.ts'

const run = promisify(execFile)

async function upload(stream: StreamClient, file: Blob, creator?: string) {
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 36_000, creator })
  expect((await stream.sendFile(uploadURL, file)).status).toBe(200)
  return stream.details(uid)
}

/** Microseconds of processor time that this process needs for the requests, with the emulator in it. */
async function processorTime(url: string | URL, requests: number): Promise<number> {
  const before = process.cpuUsage()
  await Promise.all(
    Array.from({ length: requests }, async () => {
      const response = await fetch(url)
      expect(response.status).toBe(200)
      await response.arrayBuffer()
    }),
  )
  const { user, system } = process.cpuUsage(before)
  return user + system
}

test('manifests of four hours cost no more time than files of their size', async () => {
  const stream = createStreamClient(await startTestEmulator({ encodeMs: 0 }))
  const { playback } = await upload(stream, new Blob([keyFrames(3600, 4)]))
  const playlist = await fetch(new URL('stream.m3u8', playback.hls))
  expect(playlist.status).toBe(200)
  const { length } = await playlist.text()
  const file = await upload(stream, new Blob([keyFrames(1, 4), new Uint8Array(length)]))
  const fileURL = new URL('../video', file.playback.hls)

  await processorTime(fileURL, 20)
  const usual = await processorTime(fileURL, 20)
  for (const name of ['stream.m3u8', 'video.mpd', 'video.m3u8', '../video/seg_3599.mp4']) {
    const url = new URL(name, playback.hls)
    await processorTime(url, 20)
    expect(await processorTime(url, 20)).toBeLessThan(usual * 2)
  }
})

test('a long video of small packets in one chunk plays', async () => {
  const stream = createStreamClient(await startTestEmulator({ encodeMs: 0 }))
  // 12 bytes and 0.15 ms of processor time per packet, as of a silent video of one color.
  const { playback } = await upload(stream, new Blob([oneChunk(48_000, 16)]))
  const response = await fetch(new URL('stream.m3u8', playback.hls))
  expect(await response.text()).toContain('#EXTINF')
}, 60_000)

test('a video has no more segments than its duration allows', async () => {
  const stream = createStreamClient(await startTestEmulator({ encodeMs: 0 }))
  // 20,000 segments of four seconds, of which the edit list shows 40 seconds.
  const movie = keyFrames(20_000, 4, [{ duration: 40_000, mediaTime: 0 }])
  const { duration, playback } = await upload(stream, new Blob([movie]))
  expect(duration).toBe(40)
  const playlist = await (await fetch(new URL('stream.m3u8', playback.hls))).text()
  expect(playlist.match(/^#EXTINF/gm)).toHaveLength(10)
})

test.each([
  ['of one creator', () => undefined],
  ['of 50 creators', (index: number) => `creator-${index}`],
] as const)(
  'a manifest waits a few seconds behind those of 50 slow files %s',
  async (_name, creatorOf) => {
    const stream = createStreamClient(
      await startTestEmulator({ encodeMs: 0, storageMinutes: 100_000 }),
    )
    const slow = new Blob([keyFrames(9000, 4)])
    const videos = []
    for (let index = 0; index < 50; index += 1) {
      videos.push(await upload(stream, slow, creatorOf(index)))
    }
    const { playback } = await upload(stream, testcardFile(), creatorOf(50))
    const aborted = new AbortController()
    onTestFinished(() => aborted.abort())
    let waiting = videos.length
    for (const video of videos) {
      void fetch(video.playback.hls, { signal: aborted.signal }).then(
        () => (waiting -= 1),
        () => undefined,
      )
    }
    // The requests above are older.
    await fetch(new URL('/', playback.hls))
    const startedAt = performance.now()
    expect((await fetch(playback.hls)).status).toBe(200)
    expect(performance.now() - startedAt).toBeLessThan(15_000)
    expect(waiting).toBeGreaterThan(40)
  },
  60_000,
)

test('the slow files of one creator have two processes, and a small file is read meanwhile', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-emulator-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const stream = createStreamClient(await startTestEmulator({ directory, encodeMs: 0 }))
  const slow = new Blob([oneChunk(48_000, 16)])
  for (let index = 0; index < 4; index += 1) {
    const { playback } = await upload(stream, slow, 'ada')
    // The end of the test aborts this request.
    void fetch(playback.hls).catch(() => null)
  }
  const small = upload(stream, testcardFile(), 'ada')
  const started = new Set<string>()
  let most = 0
  await pollUntil(async () => {
    const names = await readdir(join(directory, 'segments')).catch(() => [])
    const running = names.filter((name) => name.endsWith('.part'))
    for (const name of running) started.add(name)
    most = Math.max(most, running.length)
    // The processes have a lower priority than a loop without pauses.
    await setTimeout(20)
    return started.size === 4
  })
  expect(most).toBe(2)
  expect((await small).status.state).toBe('ready')
}, 120_000)

/** Element ids of Matroska (RFC 9559). */
const SEGMENT = 0x18_53_80_67
const ATTACHMENTS = 0x19_41_a4_69
const ATTACHED_FILE = 0x61_a7
const FILE_UID = 0x46_ae
const FILE_DATA = 0x46_5c

/** Writes an element with this content. */
function element(id: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  return Buffer.concat([elementHeader(id, content.length), content])
}

/** A Matroska file of three seconds, 640 × 360, with a frame per second. */
function matroskaOfCodec(codec: string): Buffer<ArrayBuffer> {
  const size = element(0xe0, element(0xb0, u16(640)), element(0xba, u16(360)))
  // Number, UID and type.
  const ids = [0xd7, 0x73_c5, 0x83].map((id) => element(id, byte(1)))
  const track = element(0xae, ...ids, element(0x86, Buffer.from(codec)), size)
  const frames = [0, 1000, 2000].map((time) =>
    element(0xa3, byte(0x81), u16(time), byte(0x80), Buffer.alloc(100)),
  )
  const cluster = element(0x1f_43_b6_75, element(0xe7, byte(0)), ...frames)
  const content = [element(0x16_54_ae_6b, track), cluster]
  const header = element(0x1a_45_df_a3, element(0x42_82, Buffer.from('matroska')))
  return Buffer.concat([header, element(SEGMENT, ...content)])
}

function byte(value: number): Buffer {
  return Buffer.from([value])
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

test('the reason why a file has no segments is short, whatever its codec is called', async () => {
  const stream = createStreamClient(await startTestEmulator({ encodeMs: 0 }))
  const file = new Blob([matroskaOfCodec('V_'.repeat(50_000))])
  const { playback, status } = await upload(stream, file)
  expect(status.state).toBe('ready')
  const response = await fetch(playback.hls)
  expect(response.status).toBe(415)
  expect((await response.text()).length).toBeLessThan(300)
})

const ATTACHMENT_BYTES = 60_000_000

/** The headers of an attachment, and its id. Its content follows. */
function attachmentStart(id: number): Buffer {
  const data = elementHeader(FILE_DATA, ATTACHMENT_BYTES)
  const uid = Buffer.concat([elementHeader(FILE_UID, 4), u32(id)])
  const contentBytes = uid.length + data.length + ATTACHMENT_BYTES
  const file = elementHeader(ATTACHED_FILE, contentBytes)
  return Buffer.concat([elementHeader(ATTACHMENTS, file.length + contentBytes), file, uid, data])
}

/** The sparse file has attachments of 60 MB each between the headers and the clusters of a valid one. */
async function writeAttachments(path: string, count: number): Promise<number> {
  const video = Buffer.from(
    await (await repeatTestcard(1, { container: 'live mkv' })).arrayBuffer(),
  )
  // The unknown size of the segment has one byte.
  const contentAt = video.indexOf(Buffer.from(SEGMENT.toString(16), 'hex')) + 5
  const handle = await open(path, 'w')
  try {
    await handle.write(video, 0, contentAt, 0)
    let at = contentAt
    for (let index = 0; index < count; index += 1) {
      const attachment = attachmentStart(index + 1)
      await handle.write(attachment, 0, attachment.length, at)
      at += attachment.length + ATTACHMENT_BYTES
    }
    await handle.write(video, contentAt, video.length - contentAt, at)
    return at + video.length - contentAt
  } finally {
    await handle.close()
  }
}

/** Resident memory of the largest child process of this one, in bytes. */
async function childMemory(): Promise<number> {
  const { stdout } = await run('ps', ['-A', '-o', 'ppid=,rss='])
  const rows = stdout.split('\n').map((row) => row.trim().split(/ +/).map(Number))
  return Math.max(
    0,
    ...rows.filter(([ppid]) => ppid === process.pid).map(([, kb = 0]) => kb * 1024),
  )
}

test.each([
  ['few attachments is ready', 3, 'ready'],
  ['attachments of 2.4 GB does not fill the memory', 40, 'ERR_MALFORMED_VIDEO'],
])(
  'a Matroska file with %s',
  async (_name, count, expected) => {
    const directory = await mkdtemp(join(tmpdir(), 'headgate-emulator-test-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const sizeBytes = await writeAttachments(join(directory, 'attachments.mkv'), count)
    // An upload that was interrupted after its last byte is read at the next start.
    const first = await startTestEmulator({ directory, encodeMs: 0 })
    const { uid } = await createStreamClient(first).mintTus(sizeBytes)
    await first.close()
    await rename(join(directory, 'attachments.mkv'), join(directory, 'files', uid))
    const stream = createStreamClient(await startTestEmulator({ directory, encodeMs: 0 }))
    let largest = 0
    await pollUntil(async () => {
      largest = Math.max(largest, await childMemory())
      return ['ready', 'error'].includes((await stream.details(uid)).status.state)
    })
    const { status } = await stream.details(uid)
    expect(status.errorReasonCode || status.state).toBe(expected)
    expect(largest).toBeGreaterThan(50_000_000)
    expect(largest).toBeLessThan(1_000_000_000)
  },
  60_000,
)
