/** Files of uploads that have expired or failed, or whose video was deleted, do not stay on the disk. */
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { testcardFile, textFile } from '../kit/media.ts'
import { openRequest, pollUntil, writeBytes } from './kit/raw-request.ts'
import { createStreamClient } from './kit/stream-client.ts'
import { head, offsetOf, patch } from './kit/tus-client.ts'

const CHUNK = 5_242_880
const DAY_SECONDS = 86_400

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'headgate-emulator-test-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

/** Returns the size of each file that is not empty. */
async function sizes(directory: string): Promise<Readonly<Record<string, number>>> {
  const names = await readdir(join(directory, 'files'))
  const entries = await Promise.all(
    names.map(async (name) => [name, (await stat(join(directory, 'files', name))).size] as const),
  )
  return Object.fromEntries(entries.filter(([, size]) => size > 0))
}

test('the bytes of an expired upload are freed, and a renewed URL starts at 0', async () => {
  const directory = await folder()
  const emulator = await startTestEmulator({ directory })
  const stream = createStreamClient(emulator)
  const { uid, uploadURL } = await stream.mintTus(2 * CHUNK)
  await patch(uploadURL, 0, new Uint8Array(CHUNK))
  await emulator.advanceClock(DAY_SECONDS - 60)
  expect(await sizes(directory)).toEqual({ [uid]: CHUNK })
  await emulator.advanceClock(61)
  expect(await sizes(directory)).toEqual({})

  const { clock } = await emulator.state()
  const uploadExpiry = new Date(Date.parse(clock.now) + 3_600_000).toISOString()
  expect((await stream.call('POST', `/${uid}`, { uploadExpiry })).status).toBe(200)
  expect(await offsetOf(uploadURL)).toBe(0)
  expect((await patch(uploadURL, 0, new Uint8Array(CHUNK))).status).toBe(204)
  await emulator.advanceClock(3601)
  expect(await sizes(directory)).toEqual({})
})

test('the bytes of an upload that expires while it is sent are freed when its request ends', async () => {
  const directory = await folder()
  const emulator = await startTestEmulator({ directory })
  const { uid, uploadURL } = await createStreamClient(emulator).mintTus(2 * CHUNK)
  const open = openRequest(uploadURL, 'PATCH', {
    'tus-resumable': '1.0.0',
    'upload-offset': '0',
    'content-type': 'application/offset+octet-stream',
    'content-length': String(CHUNK),
  })
  await writeBytes(open.request, Buffer.alloc(1000))
  await pollUntil(async () => (await sizes(directory))[uid] === 1000)
  await emulator.advanceClock(DAY_SECONDS + 1)
  expect(await sizes(directory)).toEqual({ [uid]: 1000 })
  open.request.end(Buffer.alloc(CHUNK - 1000))
  expect((await open.response).status).toBe(204)
  expect(await sizes(directory)).toEqual({})
})

test('an upload that was whole before it expired is kept', async () => {
  const directory = await folder()
  const emulator = await startTestEmulator({ directory })
  const file = testcardFile()
  const { uid, uploadURL } = await createStreamClient(emulator).mintTus(file.size)
  await patch(uploadURL, 0, file)
  await emulator.advanceClock(DAY_SECONDS + 1)
  expect(await sizes(directory)).toEqual({ [uid]: file.size })
})

test('the file of a failed video is removed, and its offset stays', async () => {
  const directory = await folder()
  const emulator = await startTestEmulator({ directory, encodeMs: 0 })
  const stream = createStreamClient(emulator)
  const file = textFile()
  const { uid, uploadURL } = await stream.mintTus(file.size)
  expect((await patch(uploadURL, 0, file)).status).toBe(204)
  expect((await stream.details(uid)).status.state).toBe('error')
  expect(await sizes(directory)).toEqual({})
  expect((await head(uploadURL)).status).toBe(200)
  expect(await offsetOf(uploadURL)).toBe(file.size)
})

test('a start frees what the process before has left', async () => {
  const directory = await folder()
  const first = await startTestEmulator({ directory, encodeMs: 0 })
  const stream = createStreamClient(first)
  const expired = await stream.mintTus(2 * CHUNK)
  await patch(expired.uploadURL, 0, new Uint8Array(CHUNK))
  const open = await stream.mintTus(2 * CHUNK)
  await patch(open.uploadURL, 0, new Uint8Array(CHUNK))
  const ready = await stream.mintBasic({ maxDurationSeconds: 60 })
  await stream.sendFile(ready.uploadURL, testcardFile())
  const failed = await stream.mintBasic({ maxDurationSeconds: 60 })
  await stream.sendFile(failed.uploadURL, textFile())
  await first.close()
  // Earlier versions kept the file of a failed video, and a process may end between the row and the file.
  await writeFile(join(directory, 'files', failed.uid), 'not a video')
  await writeFile(join(directory, 'files', 'f'.repeat(32)), 'of a deleted video')
  const segments = join(directory, 'segments', 'f'.repeat(32))
  await mkdir(segments, { recursive: true })
  await writeFile(join(segments, 'video.mp4'), 'its segments')
  const database = new Database(join(directory, 'emulator.db'))
  database.prepare('UPDATE videos SET upload_expiry = 1 WHERE uid = ?').run(expired.uid)
  database.close()

  await startTestEmulator({ directory })
  expect(await sizes(directory)).toEqual({
    [open.uid]: CHUNK,
    [ready.uid]: testcardFile().size,
  })
  expect(await readdir(join(directory, 'segments'))).toEqual([])
})
