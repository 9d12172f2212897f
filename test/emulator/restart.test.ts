/** What survives: a killed emulator's folder, as it lay on disk at that moment, starts another one. */
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { paddedTestcard, testcard, testcardFile } from '../kit/media.ts'
import { openRequest, send, until } from './kit/raw-request.ts'
import { openReceiver } from './kit/webhook-receiver.ts'
import { openStream } from './kit/stream-client.ts'
import { offsetOf, tusUpload } from './kit/tus-client.ts'

/** The temporary folders of emulators that were given none. */
async function ours(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => /^headgate-emulator-(?!test)/.test(name))
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'headgate-emulator-test-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

test('an emulator that is killed goes on where it was', async () => {
  const directory = await folder()
  const first = await startTestEmulator({ directory, encodeMs: 5000 })
  const stream = openStream(first)
  const receiver = await openReceiver()
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
  await send(open.line, new Uint8Array(await file.slice(0, 3_000_000).arrayBuffer()))
  await until(async () => (await offsetOf(tus.uploadURL)) === 3_000_000)
  const form = openRequest(unused.uploadURL, 'POST', {
    'content-type': 'multipart/form-data; boundary=x',
    'content-length': '1000000',
  })
  const start = '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
  await send(form.line, new TextEncoder().encode(start + 'a'.repeat(100_000)))
  await until(async () => (await readdir(join(directory, 'files'))).includes(`${unused.uid}.part`))

  const copy = await folder()
  await cp(directory, copy, { recursive: true })
  const second = await startTestEmulator({ directory: copy })
  const again = openStream(second)
  expect((await again.call('GET', '/webhook')).result).toEqual(webhook)
  expect((await second.state()).clock.advancedSeconds).toBe(1000)
  expect((await again.details(processing.uid)).creator).toBe('ada')
  expect(await readdir(join(copy, 'files'))).not.toContain(`${unused.uid}.part`)

  // URLs carry the old port; a real restart has the same one.
  const moved = (url: string) => url.replace(first.url, second.url)
  expect(await offsetOf(moved(tus.uploadURL))).toBe(3_000_000)
  const progress = await tusUpload(moved(tus.uploadURL), file, { chunkSize: 5_242_880 })
  expect(progress[0]).toBe(3_000_000 + 5_242_880)
  expect((await again.sendFile(moved(unused.uploadURL), testcardFile())).status).toBe(200)

  await second.advanceClock(10)
  const told = [await receiver.next(), await receiver.next(), await receiver.next()]
  expect(new Set(told.map((notice) => notice.video.uid))).toEqual(
    new Set([processing.uid, tus.uid, unused.uid]),
  )
  expect(told.every((notice) => notice.video.status.state === 'ready')).toBe(true)
})

test('a notice that could not be delivered is sent after the restart', async () => {
  const directory = await folder()
  const first = await startTestEmulator({ directory, encodeMs: 0 })
  const stream = openStream(first)
  await stream.putWebhook('http://127.0.0.1:1/closed')
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  await stream.sendFile(uploadURL, testcardFile())
  await until(async () => (await first.state()).notices[0]?.attempts === 1)
  await first.close()

  const second = await startTestEmulator({ directory, encodeMs: 0 })
  const receiver = await openReceiver()
  await openStream(second).putWebhook(receiver.url)
  await second.advanceClock(600)
  expect((await receiver.next()).video).toMatchObject({ uid, duration: testcard.durationSeconds })
})

test('a temporary folder is removed, a given one is kept, and close is quick', async () => {
  const before = new Set(await ours())
  const emulator = await startTestEmulator()
  const created = (await ours()).find((name) => !before.has(name))
  const { uploadURL } = await openStream(emulator).mintTus(6_000_000)
  await emulator.fault({ on: 'list', delayMs: 60_000 })
  const delayed = openRequest(`${emulator.apiBaseUrl}/accounts/local/stream`, 'GET', {
    authorization: 'Bearer local-token',
  })
  delayed.line.end()
  const open = openRequest(uploadURL, 'PATCH', { 'content-length': '6000000' })
  await send(open.line, new Uint8Array(1000))
  await until(async () => (await emulator.state()).faults.length === 0)
  const start = performance.now()
  await emulator.close()
  await emulator.close()
  expect(performance.now() - start).toBeLessThan(1000)
  expect(await ours()).not.toContain(created)

  const directory = await folder()
  await (await startTestEmulator({ directory })).close()
  expect(await readdir(directory)).toContain('emulator.db')
})

test('a port that is taken is an error, and leaves nothing open', async () => {
  const first = await startTestEmulator()
  const port = Number(new URL(first.url).port)
  await expect(startTestEmulator({ port })).rejects.toThrow('EADDRINUSE')
})
