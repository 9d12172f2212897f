/** A new emulator that starts with the folder of a killed one continues with its state. */
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { paddedTestcard, testcard, testcardFile } from '../kit/media.ts'
import { openRequest, writeBytes, pollUntil } from './kit/raw-request.ts'
import { startWebhookReceiver } from './kit/webhook-receiver.ts'
import { createStreamClient } from './kit/stream-client.ts'
import { offsetOf, tusUpload } from './kit/tus-client.ts'

/** Lists the temporary folders of emulators that started without a directory. */
async function temporaryFolders(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => /^headgate-emulator-(?!test)/.test(name))
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'headgate-emulator-test-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

test('continues uploads, processing and webhooks of a killed emulator', async () => {
  const directory = await folder()
  const first = await startTestEmulator({ directory, encodeMs: 5000 })
  const stream = createStreamClient(first)
  const receiver = await startWebhookReceiver()
  const webhook = await stream.putWebhook(receiver.url)
  await first.advanceClock(1000)
  const processing = await stream.mintBasic({ maxDurationSeconds: 60, creator: 'ada' })
  await stream.sendFile(processing.uploadURL, testcardFile())
  const unused = await stream.mintBasic({ maxDurationSeconds: 60 })
  const file = paddedTestcard(5_242_880 * 2)
  const tus = await stream.mintTus(file.size)
  const open = openRequest(tus.uploadURL, 'PATCH', {
    'tus-resumable': '1.0.0',
    'upload-offset': '0',
    'content-type': 'application/offset+octet-stream',
    'content-length': String(5_242_880),
  })
  await writeBytes(open.request, new Uint8Array(await file.slice(0, 3_000_000).arrayBuffer()))
  await pollUntil(async () => (await offsetOf(tus.uploadURL)) === 3_000_000)
  const form = openRequest(unused.uploadURL, 'POST', {
    'content-type': 'multipart/form-data; boundary=x',
    'content-length': '1000000',
  })
  const start = '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
  await writeBytes(form.request, new TextEncoder().encode(start + 'a'.repeat(100_000)))
  await pollUntil(async () =>
    (await readdir(join(directory, 'files'))).includes(`${unused.uid}.part`),
  )

  const copy = await folder()
  await cp(directory, copy, { recursive: true })
  const second = await startTestEmulator({ directory: copy })
  const secondStream = createStreamClient(second)
  expect((await secondStream.call('GET', '/webhook')).result).toEqual(webhook)
  expect((await second.state()).clock.advancedSeconds).toBe(1000)
  expect((await secondStream.details(processing.uid)).creator).toBe('ada')
  expect(await readdir(join(copy, 'files'))).not.toContain(`${unused.uid}.part`)

  // The URLs contain the old port; a real restart keeps its port.
  const withNewPort = (url: string) => url.replace(first.url, second.url)
  expect(await offsetOf(withNewPort(tus.uploadURL))).toBe(3_000_000)
  const progress = await tusUpload(withNewPort(tus.uploadURL), file, { chunkSize: 5_242_880 })
  expect(progress[0]).toBe(3_000_000 + 5_242_880)
  expect((await secondStream.sendFile(withNewPort(unused.uploadURL), testcardFile())).status).toBe(
    200,
  )

  await second.advanceClock(10)
  const webhooks = [await receiver.next(), await receiver.next(), await receiver.next()]
  expect(new Set(webhooks.map((delivery) => delivery.video.uid))).toEqual(
    new Set([processing.uid, tus.uid, unused.uid]),
  )
  expect(webhooks.every((delivery) => delivery.video.status.state === 'ready')).toBe(true)
})

test('leaves files alone that it has not written, such as those of a file browser', async () => {
  const directory = await folder()
  const first = await startTestEmulator({ directory, encodeMs: 0 })
  const stream = createStreamClient(first)
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  await stream.sendFile(uploadURL, testcardFile())
  expect((await fetch(`${first.url}/${uid}/manifest/video.m3u8`)).status).toBe(200)
  await first.close()
  for (const name of ['files', 'segments']) {
    await writeFile(join(directory, name, '.DS_Store'), 'positions of icons')
    await writeFile(join(directory, name, 'notes.part'), 'notes')
    await mkdir(join(directory, name, 'lost+found'))
  }

  const second = await startTestEmulator({ directory, encodeMs: 0 })
  for (const name of ['files', 'segments']) {
    const names = await readdir(join(directory, name))
    expect(names.toSorted()).toEqual(['.DS_Store', uid, 'lost+found', 'notes.part'].toSorted())
  }
  expect((await fetch(`${second.url}/${uid}/video`)).status).toBe(200)
})

/** Copies the row of a video with new ids. */
function copyRow(directory: string, uid: string, copies: number): void {
  const database = new Database(join(directory, 'emulator.db'))
  const columns = database
    .prepare<[], string>(`SELECT name FROM pragma_table_info('videos')`)
    .pluck()
    .all()
  const unique: Record<string, string> = {
    uid: 'lower(hex(randomblob(16)))',
    upload_id: 'lower(hex(randomblob(16)))',
    created_us: 'created_us + copy',
  }
  database
    .prepare(
      `WITH RECURSIVE copies (copy) AS (SELECT 1 UNION ALL SELECT copy + 1 FROM copies LIMIT ?)
       INSERT INTO videos (${columns.join(', ')})
       SELECT ${columns.map((name) => unique[name] ?? name).join(', ')} FROM videos, copies WHERE uid = ?`,
    )
    .run(copies, uid)
  database.close()
}

test('does not load uploads without bytes at the start', async () => {
  const directory = await folder()
  const first = await startTestEmulator({ directory })
  const stream = createStreamClient(first)
  const { uid } = await stream.mintTus(6_000_000)
  await stream.call('POST', `/${uid}`, { meta: { name: 'x'.repeat(4000) } })
  await first.close()
  copyRow(directory, uid, 20_000)

  const before = process.memoryUsage().heapUsed
  const second = await startTestEmulator({ directory })
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(40_000_000)
  expect((await createStreamClient(second).details(uid)).status.state).toBe('pendingupload')
})

test('reads all files that were not read before the end', async () => {
  const directory = await folder()
  const first = await startTestEmulator({ directory, encodeMs: 0 })
  const stream = createStreamClient(first)
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  await stream.sendFile(uploadURL, testcardFile())
  await first.close()
  const database = new Database(join(directory, 'emulator.db'))
  database.prepare('UPDATE videos SET media = NULL, stored_seconds = NULL').run()
  database.close()
  copyRow(directory, uid, 200)

  const second = await startTestEmulator({ directory, encodeMs: 0 })
  await pollUntil(async () => {
    const { videos } = await second.state()
    return videos.length === 201 && videos.every(({ state }) => ['ready', 'error'].includes(state))
  })
  expect((await createStreamClient(second).details(uid)).status.state).toBe('ready')
})

test('delivers a failed webhook after the restart', async () => {
  const directory = await folder()
  const first = await startTestEmulator({ directory, encodeMs: 0 })
  const stream = createStreamClient(first)
  await stream.putWebhook('http://127.0.0.1:1/closed')
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  await stream.sendFile(uploadURL, testcardFile())
  await pollUntil(async () => (await first.state()).webhooks[0]?.attempts === 1)
  await first.close()

  const second = await startTestEmulator({ directory, encodeMs: 0 })
  const receiver = await startWebhookReceiver()
  await createStreamClient(second).putWebhook(receiver.url)
  await second.advanceClock(600)
  expect((await receiver.next()).video).toMatchObject({ uid, duration: testcard.durationSeconds })
})

test('close removes a temporary folder, keeps a configured one, and takes less than a second', async () => {
  const before = new Set(await temporaryFolders())
  const emulator = await startTestEmulator()
  const created = (await temporaryFolders()).find((name) => !before.has(name))
  const { uploadURL } = await createStreamClient(emulator).mintTus(6_000_000)
  await emulator.fault({ on: 'list', delayMs: 60_000 })
  const delayed = openRequest(`${emulator.apiBaseUrl}/accounts/local/stream`, 'GET', {
    authorization: 'Bearer local-token',
  })
  delayed.request.end()
  const open = openRequest(uploadURL, 'PATCH', { 'content-length': '6000000' })
  await writeBytes(open.request, new Uint8Array(1000))
  await pollUntil(async () => (await emulator.state()).faults.length === 0)
  const start = performance.now()
  await emulator.close()
  await emulator.close()
  expect(performance.now() - start).toBeLessThan(1000)
  expect(await temporaryFolders()).not.toContain(created)

  const directory = await folder()
  await (await startTestEmulator({ directory })).close()
  expect(await readdir(directory)).toContain('emulator.db')
})

test('rejects with EADDRINUSE when the port is in use', async () => {
  const first = await startTestEmulator()
  const port = Number(new URL(first.url).port)
  await expect(startTestEmulator({ port })).rejects.toThrow('EADDRINUSE')
})
