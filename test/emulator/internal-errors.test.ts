/** Internal errors of the emulator fail one request or one delivery attempt, and are reported. */
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'

import { OUTBOX_TABLE } from '../../src/emulator/state/database.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { testcardFile } from '../kit/media.ts'
import { startWebhookReceiver } from './kit/webhook-receiver.ts'
import { createStreamClient } from './kit/stream-client.ts'

test.each([101, 5000, 100_000])('rejects a body of %i levels with 400', async (levels) => {
  const emulator = await startTestEmulator()
  const stream = createStreamClient(emulator)
  const nested = `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
  const body = `{"maxDurationSeconds":5,"meta":${nested}}`
  expect((await stream.raw('POST', '/direct_upload', { body })).status).toBe(400)
  const { uid } = await stream.mintBasic({ maxDurationSeconds: 5 })
  expect((await stream.raw('POST', `/${uid}`, { body: `{"meta":${nested}}` })).status).toBe(400)
  const control = await fetch(`${emulator.url}/__emulator/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: nested,
  })
  expect(control.status).toBe(400)
})

test('stores and returns a meta of 90 levels', async () => {
  const stream = createStreamClient(await startTestEmulator())
  const meta: unknown = JSON.parse(`${'{"a":'.repeat(90)}1${'}'.repeat(90)}`)
  const { uid } = await stream.mintBasic({ maxDurationSeconds: 5, meta })
  expect((await stream.details(uid)).meta).toEqual(meta)
})

test('an upload whose file cannot be created reserves nothing', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-emulator-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const emulator = await startTestEmulator({ directory, onError: () => undefined })
  await rm(join(directory, 'files'), { recursive: true })
  expect((await createStreamClient(emulator).mintTusRaw(1000)).status).toBe(500)
  expect(await emulator.state()).toMatchObject({ videos: [], reservedSeconds: 0 })
})

test('reports a failing database and delivers the webhook afterwards', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-emulator-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const errors = new EventEmitter()
  const emulator = await startTestEmulator({
    directory,
    encodeMs: 60_000,
    onError: (error) => errors.emit('reported', error),
  })
  const stream = createStreamClient(emulator)
  const receiver = await startWebhookReceiver()
  await stream.putWebhook(receiver.url)
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  await stream.sendFile(uploadURL, testcardFile())

  const database = new Database(join(directory, 'emulator.db'))
  onTestFinished(() => {
    database.close()
  })
  const reported = once(errors, 'reported')
  database.exec(`ALTER TABLE ${OUTBOX_TABLE} RENAME TO hidden`)
  expect(String(await reported)).toContain('no such table')
  database.exec(`ALTER TABLE hidden RENAME TO ${OUTBOX_TABLE}`)
  await emulator.advanceClock(60)
  expect((await receiver.next()).video.uid).toBe(uid)
})
