/** Files of deleted videos that clients still read or write: their bytes are free at once. */
import { once } from 'node:events'

import { expect, onTestFinished, test } from 'vitest'

import { startTestEmulator, type TestEmulator } from '../kit/emulator.ts'
import { paddedTestcard } from '../kit/media.ts'
import { openRaw, rawRequest } from '../kit/raw-client.ts'
import { type SmallDisk, mountSmallDisk } from '../kit/small-disk.ts'
import { largeFrames } from './kit/hostile-files.ts'
import { openRequest, pollUntil, writeBytes } from './kit/raw-request.ts'
import { createStreamClient } from './kit/stream-client.ts'

/** More than the buffers of both sides hold. */
const BYTES = 20_000_000
/** The database, and blocks that are not full. */
const MAX_REMAINING_BYTES = 1_000_000

interface OnSmallDisk {
  readonly disk: SmallDisk
  readonly emulator: TestEmulator
}

async function startOnSmallDisk(): Promise<OnSmallDisk | undefined> {
  const disk = await mountSmallDisk(100)
  if (disk === null) return undefined
  const emulator = await startTestEmulator({ directory: disk.folder, encodeMs: 0 })
  // Before the disk is unmounted.
  onTestFinished(() => emulator.close())
  return { disk, emulator }
}

test.for([
  ['received file', 'video', () => paddedTestcard(BYTES)],
  ['segment', 'video/seg_1.mp4', () => new Blob([largeFrames(1, BYTES, 1000)])],
] as const)(
  'a client that reads a %s slowly does not keep it on the disk',
  async ([_name, path, fileOf], { skip }) => {
    const { disk, emulator } =
      (await startOnSmallDisk()) ?? skip('This user may not mount a tmpfs.')
    const stream = createStreamClient(emulator)
    const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
    expect((await stream.sendFile(uploadURL, fileOf())).status).toBe(200)
    const url = new URL(`../${path}`, (await stream.details(uid)).playback.hls)
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
    const client = await openRaw(emulator.url)
    client.socket.write(rawRequest(`GET ${url.pathname}`))
    await once(client.socket, 'readable')

    expect((await stream.call('DELETE', `/${uid}`)).status).toBe(200)
    expect(await disk.usedBytes()).toBeLessThan(MAX_REMAINING_BYTES)
    // The client does not wait for the rest.
    expect((await client.closed()).length).toBeLessThan(BYTES)
  },
)

test.for(['tus', 'basic'])(
  'a client that sends a %s upload slowly does not keep it on the disk',
  async (protocol, { skip }) => {
    const { disk, emulator } =
      (await startOnSmallDisk()) ?? skip('This user may not mount a tmpfs.')
    const stream = createStreamClient(emulator)
    const isTus = protocol === 'tus'
    const { uid, uploadURL } = isTus
      ? await stream.mintTus(BYTES)
      : await stream.mintBasic({ maxDurationSeconds: 60 })
    const { request, response } = isTus
      ? openRequest(uploadURL, 'PATCH', {
          'tus-resumable': '1.0.0',
          'upload-offset': '0',
          'content-type': 'application/offset+octet-stream',
          'content-length': String(BYTES),
        })
      : openRequest(uploadURL, 'POST', { 'content-type': 'multipart/form-data; boundary=x' })
    const start = isTus ? '' : '--x\r\ncontent-disposition: form-data; name="file"\r\n\r\n'
    await writeBytes(request, Buffer.concat([Buffer.from(start), Buffer.alloc(BYTES / 2)]))
    await pollUntil(async () => (await disk.usedBytes()) > BYTES / 2)

    expect((await stream.call('DELETE', `/${uid}`)).status).toBe(200)
    expect(await disk.usedBytes()).toBeLessThan(MAX_REMAINING_BYTES)
    request.end(isTus ? Buffer.alloc(BYTES / 2) : '\r\n--x--\r\n')
    expect((await response).status).toBe(404)
    expect(await disk.usedBytes()).toBeLessThan(MAX_REMAINING_BYTES)
  },
)
