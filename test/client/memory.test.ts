/**
 * The memory of an upload does not grow with its file. HEADGATE_CLIENT_BYTES sets the size of the files, such as
 * 30000000000.
 */
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type UploadSource, createUploadClient } from '../../src/client/client.ts'
import { collectGarbage } from '../kit/collect-garbage.ts'
import { startTestHost } from './tus-host.ts'

const SIZE_BYTES = Number(process.env['HEADGATE_CLIENT_BYTES'] ?? 500_000_000)
const MEBIBYTE = 1_048_576
/** The gateway's recommendation. */
const CHUNK_BYTES = 50 * MEBIBYTE
/** Bytes after which garbage is collected and memory is measured. Otherwise sent chunks wait for V8, in any number. */
const COLLECTED_BYTES = 8 * MEBIBYTE
const PIECE = new Uint8Array(MEBIBYTE)

/** Creates a file without content on the disk. */
async function openSparseFile() {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-memory-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'large.mp4')
  const handle = await open(path, 'w+')
  onTestFinished(() => handle.close())
  await handle.truncate(SIZE_BYTES)
  return { path, handle }
}

function streamOf(): UploadSource {
  let left = SIZE_BYTES
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = PIECE.slice(0, Math.min(PIECE.byteLength, left))
      left -= piece.byteLength
      if (piece.byteLength === 0) controller.close()
      else controller.enqueue(piece)
    },
  })
  return { stream, size: SIZE_BYTES }
}

/** The chunk that is sent, the next one that is read, and the buffers of the host, which is in this process too. */
const MAX_MEBIBYTES = 200

it.each<[string, () => Promise<UploadSource>]>([
  ['a path', async () => (await openSparseFile()).path],
  ['a FileHandle', async () => (await openSparseFile()).handle],
  ['a stream', async () => streamOf()],
])(
  'an upload of %s takes the memory of a few chunks',
  async (name, openSource) => {
    const host = await startTestHost(() => null, CHUNK_BYTES)
    const source = await openSource()
    const before = process.memoryUsage().rss
    let peak = before
    let collectedAt = 0
    const upload = createUploadClient({ url: host.url }).upload(source, {
      protocol: 'TUS',
      maxDurationSeconds: 60,
      onProgress({ sentBytes }) {
        if (sentBytes - collectedAt < COLLECTED_BYTES) return
        collectedAt = sentBytes
        collectGarbage()
        peak = Math.max(peak, process.memoryUsage().rss)
      },
    })
    expect(await upload).toMatchObject({ status: 'READY' })
    expect(host.storedBytes).toBe(SIZE_BYTES)
    const usedMebibytes = (peak - before) / MEBIBYTE
    process.stdout.write(`${name}: ${usedMebibytes.toFixed()} MiB for ${SIZE_BYTES} bytes\n`)
    expect(usedMebibytes).toBeLessThan(MAX_MEBIBYTES)
  },
  1_800_000,
)
