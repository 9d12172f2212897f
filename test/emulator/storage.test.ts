/** Reserved and stored seconds: when they are reserved, counted and released. */
import { describe, expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { testcardFile, textFile } from '../kit/media.ts'
import { createStreamClient } from './kit/stream-client.ts'

test('keeps the reservation until processing ends, then counts the real duration', async () => {
  const emulator = await startTestEmulator({ encodeMs: 1_000_000 })
  const stream = createStreamClient(emulator)
  const { uploadURL } = await stream.mintBasic({ maxDurationSeconds: 600 })
  expect(await emulator.state()).toMatchObject({ reservedSeconds: 600, storedSeconds: 0 })
  await stream.sendFile(uploadURL, testcardFile())
  await emulator.advanceClock(500)
  expect(await emulator.state()).toMatchObject({ reservedSeconds: 600, storedSeconds: 0 })
  await emulator.advanceClock(501)
  expect(await emulator.state()).toMatchObject({ reservedSeconds: 0, storedSeconds: 6 })
})

describe('the whole reservation is released', () => {
  test('by a processing error', async () => {
    const emulator = await startTestEmulator({ encodeMs: 1_000_000 })
    const stream = createStreamClient(emulator)
    const { uploadURL } = await stream.mintBasic({ maxDurationSeconds: 600 })
    await stream.sendFile(uploadURL, textFile())
    expect((await emulator.state()).reservedSeconds).toBe(600)
    await emulator.advanceClock(1001)
    expect(await emulator.state()).toMatchObject({ reservedSeconds: 0, storedSeconds: 0 })
  })

  test('by expiry, and the record stays in pendingupload', async () => {
    const emulator = await startTestEmulator()
    const stream = createStreamClient(emulator)
    const { uid } = await stream.mintBasic({ maxDurationSeconds: 600 })
    await emulator.advanceClock(30 * 60 - 10)
    expect((await emulator.state()).reservedSeconds).toBe(600)
    await emulator.advanceClock(11)
    expect((await emulator.state()).reservedSeconds).toBe(0)
    expect((await stream.details(uid)).status.state).toBe('pendingupload')
  })

  test('by deletion, before and after the upload', async () => {
    const emulator = await startTestEmulator({ encodeMs: 0 })
    const stream = createStreamClient(emulator)
    const pending = await stream.mintBasic({ maxDurationSeconds: 600 })
    await stream.call('DELETE', `/${pending.uid}`)
    expect((await emulator.state()).reservedSeconds).toBe(0)
    const stored = await stream.mintBasic({ maxDurationSeconds: 600 })
    await stream.sendFile(stored.uploadURL, testcardFile())
    expect((await emulator.state()).storedSeconds).toBe(6)
    await stream.call('DELETE', `/${stored.uid}`)
    expect((await emulator.state()).storedSeconds).toBe(0)
  })
})

describe('when storage is exhausted', () => {
  test('minting fails with 413, code 10011 and a message with the minutes', async () => {
    const emulator = await startTestEmulator({ storageMinutes: 10 })
    const stream = createStreamClient(emulator)
    await stream.mintBasic({ maxDurationSeconds: 599 })
    const rejected = await stream.call('POST', '/direct_upload', { maxDurationSeconds: 2 })
    expect(rejected).toMatchObject({ status: 413, code: 10_011 })
    expect(rejected.reason).toBe('You have uploaded 9.98 minutes and are allocated 10 minutes.')
    const tus = await stream.mintTusRaw(10, { maxDurationSeconds: '2' })
    expect(tus.status).toBe(413)
    expect(await tus.text()).toContain('10011')
    await stream.mintBasic({ maxDurationSeconds: 1 })
    expect((await emulator.state()).reservedSeconds).toBe(600)
  })

  test('a wrong token fails first, with 401', async () => {
    const emulator = await startTestEmulator({ storageMinutes: 0 })
    const unauthenticated = createStreamClient({ ...emulator, token: 'wrong' })
    const response = await unauthenticated.call('POST', '/direct_upload', { maxDurationSeconds: 2 })
    expect(response).toMatchObject({ status: 401, code: 10_000 })
  })

  test('a larger maxDurationSeconds is rejected too', async () => {
    const emulator = await startTestEmulator({ storageMinutes: 10 })
    const stream = createStreamClient(emulator)
    const { uid } = await stream.mintBasic({ maxDurationSeconds: 300 })
    const larger = await stream.call('POST', `/${uid}`, { maxDurationSeconds: 601 })
    expect(larger).toMatchObject({ status: 413, code: 10_011 })
    const fits = await stream.call('POST', `/${uid}`, { maxDurationSeconds: 600 })
    expect(fits.status).toBe(200)
  })
})

test('storage-usage counts the stored minutes of the account or of a creator', async () => {
  const emulator = await startTestEmulator({ encodeMs: 0, storageMinutes: 20 })
  const stream = createStreamClient(emulator)
  for (const creator of ['ada', 'ada', 'bo']) {
    const { uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60, creator })
    await stream.sendFile(uploadURL, testcardFile())
  }
  await stream.mintBasic({ maxDurationSeconds: 60, creator: 'ada' })
  expect(await stream.usage()).toEqual({
    creator: null,
    totalStorageMinutes: 0.3,
    totalStorageMinutesLimit: 20,
    videoCount: 3,
  })
  expect(await stream.usage('ada')).toMatchObject({
    creator: 'ada',
    totalStorageMinutes: 0.2,
    videoCount: 2,
  })
  expect(await stream.usage('nobody')).toMatchObject({ totalStorageMinutes: 0, videoCount: 0 })
})
