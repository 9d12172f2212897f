/** Uploads while the disk is full or the database is locked: a temporary error, after which they continue. */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'

import { type TestEmulator, startTestEmulator } from '../kit/emulator.ts'
import { paddedTestcard, testcardFile } from '../kit/media.ts'
import { type SmallDisk, mountSmallDisk } from '../kit/small-disk.ts'
import { equalFragments, filesBeingRead } from './kit/hostile-files.ts'
import { pollUntil } from './kit/raw-request.ts'
import { createStreamClient } from './kit/stream-client.ts'
import { offsetOf, patch } from './kit/tus-client.ts'

const CHUNK = 5_242_880

/** An emulator whose errors the test expects. */
function start(options: Parameters<typeof startTestEmulator>[0]): Promise<TestEmulator> {
  return startTestEmulator({ encodeMs: 0, onError: () => undefined, ...options })
}

async function startOnSmallDisk(): Promise<
  { readonly disk: SmallDisk; readonly emulator: TestEmulator } | undefined
> {
  const disk = await mountSmallDisk(32)
  if (disk === null) return undefined
  const emulator = await start({ directory: disk.folder })
  // Before the disk is unmounted.
  onTestFinished(() => emulator.close())
  return { disk, emulator }
}

function expectTemporary(response: Response): void {
  expect(response.status).toBe(503)
  expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
}

async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder)
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

test('a chunk that does not fit on the disk is sent again once there is space', async ({
  skip,
}) => {
  const { disk, emulator } = (await startOnSmallDisk()) ?? skip('This user may not mount a tmpfs.')
  const stream = createStreamClient(emulator)
  const file = new Uint8Array(await paddedTestcard(2 * CHUNK).arrayBuffer())
  const { uid, uploadURL } = await stream.mintTus(file.length)
  expect((await patch(uploadURL, 0, file.slice(0, CHUNK))).status).toBe(204)

  await disk.fill()
  const failed = await patch(uploadURL, CHUNK, file.slice(CHUNK))
  expectTemporary(failed)
  expect(failed.headers.get('access-control-allow-origin')).toBe('*')
  expect(await failed.text()).toContain('disk is full')
  expect(await offsetOf(uploadURL)).toBe(CHUNK)
  expect(await bytesIn(join(disk.folder, 'files'))).toBe(CHUNK)

  await disk.free()
  expect((await patch(uploadURL, CHUNK, file.slice(CHUNK))).status).toBe(204)
  expect(sha256(await readFile(join(disk.folder, 'files', uid)))).toBe(sha256(file))
  expect((await stream.details(uid)).status.state).toBe('ready')
})

test('a form that does not fit on the disk is sent again once there is space', async ({ skip }) => {
  const { disk, emulator } = (await startOnSmallDisk()) ?? skip('This user may not mount a tmpfs.')
  const stream = createStreamClient(emulator)
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  await disk.fill()
  expectTemporary(await stream.sendFile(uploadURL, paddedTestcard(CHUNK)))
  expect(await bytesIn(join(disk.folder, 'files'))).toBe(0)

  await disk.free()
  expect((await stream.sendFile(uploadURL, paddedTestcard(CHUNK))).status).toBe(200)
  expect((await stream.details(uid)).status.state).toBe('ready')
})

test('a creation gets 503 while the disk is full', async ({ skip }) => {
  const { disk, emulator } = (await startOnSmallDisk()) ?? skip('This user may not mount a tmpfs.')
  const stream = createStreamClient(emulator)
  await disk.fill()
  const creator = 'c'.repeat(64)
  let failed = await stream.mintTusRaw(CHUNK, {}, { 'upload-creator': creator })
  // The write-ahead log has room for some rows.
  while (failed.status === 201) {
    failed = await stream.mintTusRaw(CHUNK, {}, { 'upload-creator': creator })
  }
  expectTemporary(failed)
  expect(await failed.json()).toMatchObject({ success: false })
  await disk.free()
  expect((await stream.mintTusRaw(CHUNK)).status).toBe(201)
})

test('segments that do not fit on the disk are made once there is space', async ({ skip }) => {
  const { disk, emulator } = (await startOnSmallDisk()) ?? skip('This user may not mount a tmpfs.')
  const stream = createStreamClient(emulator)
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(200)
  const { hls } = (await stream.details(uid)).playback

  await disk.fill()
  const failed = await fetch(hls)
  expectTemporary(failed)
  expect(failed.headers.get('access-control-allow-origin')).toBe('*')
  expect(await failed.text()).toContain('disk is full')

  await disk.free()
  expect((await fetch(hls)).status).toBe(200)
})

test('the media info of a file is stored once the database is available', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-emulator-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const errors: unknown[] = []
  const emulator = await start({ directory, onError: (error) => errors.push(error) })
  const stream = createStreamClient(emulator)
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  const sending = stream.sendFile(uploadURL, new Blob([equalFragments]))
  await pollUntil(async () => filesBeingRead(directory).includes(uid))
  const other = new Database(join(directory, 'emulator.db'))
  onTestFinished(() => void other.close())
  other.exec('BEGIN IMMEDIATE')
  await pollUntil(async () => errors.length > 0)
  other.exec('ROLLBACK')
  expect((await sending).status).toBe(200)
  expect((await stream.details(uid)).status.errorReasonCode).toBe('ERR_MALFORMED_VIDEO')
  expect(filesBeingRead(directory)).toEqual([])
})

test.each(['tus', 'basic'])(
  'a %s upload that cannot be recorded is not kept, and is sent again',
  async (protocol) => {
    const directory = await mkdtemp(join(tmpdir(), 'headgate-emulator-test-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const emulator = await start({ directory })
    const stream = createStreamClient(emulator)
    const file = testcardFile()
    const { uid, uploadURL } =
      protocol === 'tus'
        ? await stream.mintTus(file.size)
        : await stream.mintBasic({ maxDurationSeconds: 60 })
    const send = () =>
      protocol === 'tus' ? patch(uploadURL, 0, file) : stream.sendFile(uploadURL, file)

    const other = new Database(join(directory, 'emulator.db'))
    onTestFinished(() => void other.close())
    other.exec('BEGIN IMMEDIATE')
    expectTemporary(await send())
    expect(protocol === 'tus' ? await offsetOf(uploadURL) : 0).toBe(0)
    expect(await bytesIn(join(directory, 'files'))).toBe(0)
    other.exec('ROLLBACK')
    expect((await send()).ok).toBe(true)
    expect((await stream.details(uid)).status.state).toBe('ready')
  },
)

test('files above the maximum of all bytes are rejected until others are deleted', async () => {
  const emulator = await start({ diskBytes: CHUNK + 1_000_000 })
  const stream = createStreamClient(emulator)
  const first = await stream.mintBasic({ maxDurationSeconds: 60 })
  expect((await stream.sendFile(first.uploadURL, paddedTestcard(CHUNK))).status).toBe(200)

  const basic = await stream.mintBasic({ maxDurationSeconds: 60 })
  const rejected = await stream.sendFile(basic.uploadURL, paddedTestcard(1_500_000))
  expectTemporary(rejected)
  expect(await rejected.text()).toContain('EMULATOR_DISK_BYTES')
  const tus = await stream.mintTus(1_500_000)
  const file = new Uint8Array(await paddedTestcard(1_500_000).arrayBuffer())
  expectTemporary(await patch(tus.uploadURL, 0, file))
  expect(await offsetOf(tus.uploadURL)).toBe(0)
  // Rejected files occupy nothing.
  const small = await stream.mintBasic({ maxDurationSeconds: 60 })
  expect((await stream.sendFile(small.uploadURL, testcardFile())).status).toBe(200)

  await stream.call('DELETE', `/${first.uid}`)
  expect((await stream.sendFile(basic.uploadURL, paddedTestcard(1_500_000))).status).toBe(200)
  expect((await patch(tus.uploadURL, 0, file)).status).toBe(204)
})

test('segments count towards the maximum, and stored files also after a restart', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-emulator-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const first = await start({ directory })
  const { uid, uploadURL } = await createStreamClient(first).mintBasic({ maxDurationSeconds: 60 })
  await createStreamClient(first).sendFile(uploadURL, testcardFile())
  await first.close()

  const diskBytes = Math.floor(testcardFile().size * 1.5)
  const emulator = await start({ directory, diskBytes })
  expect((await fetch(`${emulator.url}/${uid}/manifest/video.m3u8`)).status).toBe(503)
  const stream = createStreamClient(emulator)
  const next = await stream.mintBasic({ maxDurationSeconds: 60 })
  expect((await stream.sendFile(next.uploadURL, testcardFile())).status).toBe(503)
})

test('a video that is deleted while its segments are requested occupies nothing', async () => {
  const file = paddedTestcard(1_000_000)
  // Enough for the file and its segments, if they are the only ones.
  const emulator = await start({ diskBytes: 3 * file.size + 100_000 })
  const stream = createStreamClient(emulator)
  const upload = async () => {
    const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
    expect((await stream.sendFile(uploadURL, file)).status).toBe(200)
    return { uid, manifest: () => fetch(`${emulator.url}/${uid}/manifest/video.m3u8`) }
  }
  for (let count = 0; count < 10; count += 1) {
    const { uid, manifest } = await upload()
    await Promise.all([manifest(), stream.call('DELETE', `/${uid}`)])
  }
  const { manifest } = await upload()
  expect((await manifest()).status).toBe(200)
})
