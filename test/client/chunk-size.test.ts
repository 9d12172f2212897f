/** Sizes of tus chunks, on hosts of different speed. Time passes only while a chunk is sent. */
import { expect, it } from 'vitest'
import { type UploadOptions, createUploadClient } from '../../src/client/client.ts'
import { CHUNK_BYTES } from './kit.ts'
import { type TusHost, type TusReply, createImpatientClock, startTestHost } from './tus-host.ts'

const MEBIBYTE = 1_048_576
/** The maximum of the gateway. */
const MAX_BYTES = 10 * CHUNK_BYTES

interface Line {
  /** Speed by the index of the PATCH. */
  readonly bytesPerSecond: (index: number) => number
  /** Reply by the index of the PATCH. */
  readonly reply?: (index: number) => TusReply
}

/** Uploads a file of this many MiB and returns the size of each chunk in MiB. */
async function chunksOf(
  mebibytes: number,
  { bytesPerSecond, reply }: Line,
  options: UploadOptions = {},
): Promise<number[]> {
  let nowMs = Date.UTC(2026, 0, 1)
  let patches = 0
  const host: TusHost = await startTestHost(({ method, bodyBytes }) => {
    if (method === 'HEAD') return null
    const index = patches++
    nowMs += (bodyBytes / bytesPerSecond(index)) * 1000
    return () => reply?.(index) ?? {}
  }, MAX_BYTES)
  const clock = { ...createImpatientClock(), now: () => new Date(nowMs) }
  const file = new Blob(Array.from({ length: mebibytes }, () => new Uint8Array(MEBIBYTE)))
  const client = createUploadClient({ url: host.url, clock })
  expect(await client.upload(file, { protocol: 'TUS', ...options })).toMatchObject({
    status: 'READY',
  })
  expect(host.storedBytes).toBe(file.size)
  const sent = host.requests.filter(({ method }) => method === 'PATCH')
  return sent.map(({ bodyBytes }) => bodyBytes / MEBIBYTE)
}

it.each([
  ['of 0.2 MiB/s are 5 MiB', 0.2, [5, 5, 5, 5, 2]],
  ['of 1 MiB/s are 5 MiB', 1, [5, 5, 5, 5, 2]],
  ['of 1.5 MiB/s take 6.7 seconds', 1.5, [5, 10, 7]],
  ['of 4 MiB/s take 7.5 seconds', 4, [5, 30, 30, 2]],
  ['of 100 MiB/s are as large as the gateway recommends', 100, [5, 50, 50, 12]],
])('chunks on a connection %s', async (_name, mebibytesPerSecond, chunks) => {
  const total = chunks.reduce((sum, chunk) => sum + chunk, 0)
  const bytesPerSecond = (): number => mebibytesPerSecond * MEBIBYTE
  expect(await chunksOf(total, { bytesPerSecond })).toEqual(chunks)
})

it('chunks become smaller when the connection becomes slower', async () => {
  const chunks = await chunksOf(140, {
    bytesPerSecond: (index) => (index < 2 ? 100 : 1) * MEBIBYTE,
  })
  expect(chunks).toEqual([5, 50, 50, 10, 10, 5, 5, 5])
})

it('chunks are 5 MiB after a failure, and then follow the speed that is measured again', async () => {
  const chunks = await chunksOf(140, {
    bytesPerSecond: () => 4 * MEBIBYTE,
    reply: (index) => (index === 2 ? { status: 503, storeBytes: 0 } : {}),
  })
  expect(chunks).toEqual([5, 30, 30, 5, 30, 30, 30, 10])
})

it('chunks are as large as `chunkSizeBytes` says, at any speed', async () => {
  for (const speed of [0.2, 100]) {
    const bytesPerSecond = (): number => speed * MEBIBYTE
    const options = { chunkSizeBytes: 4 * CHUNK_BYTES }
    expect(await chunksOf(42, { bytesPerSecond }, options)).toEqual([20, 20, 2])
  }
})

it('a clock that is set back does no harm', async () => {
  const chunks = await chunksOf(57, { bytesPerSecond: () => -MEBIBYTE })
  expect(chunks).toEqual([5, 50, 2])
})
