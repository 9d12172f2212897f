/** Reservations and storage: what is held, what is counted, what is given back. */
import { describe, expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { testcardFile, textFile } from '../kit/media.ts'
import { openStream } from './kit/stream-client.ts'

test('a reservation is held until processing ends, then the true duration counts', async () => {
  const emulator = await startTestEmulator({ encodeMs: 1_000_000 })
  const stream = openStream(emulator)
  const { uploadURL } = await stream.mintBasic({ maxDurationSeconds: 600 })
  expect(await emulator.state()).toMatchObject({ reservedSeconds: 600, storedSeconds: 0 })
  await stream.sendFile(uploadURL, testcardFile())
  await emulator.advanceClock(500)
  expect(await emulator.state()).toMatchObject({ reservedSeconds: 600, storedSeconds: 0 })
  await emulator.advanceClock(501)
  expect(await emulator.state()).toMatchObject({ reservedSeconds: 0, storedSeconds: 6 })
})

describe('the whole reservation is released', () => {
  test('by an error', async () => {
    const emulator = await startTestEmulator({ encodeMs: 1_000_000 })
    const stream = openStream(emulator)
    const { uploadURL } = await stream.mintBasic({ maxDurationSeconds: 600 })
    await stream.sendFile(uploadURL, textFile())
    expect((await emulator.state()).reservedSeconds).toBe(600)
    await emulator.advanceClock(1001)
    expect(await emulator.state()).toMatchObject({ reservedSeconds: 0, storedSeconds: 0 })
  })

  test('by lapse, while the record stays as it was', async () => {
    const emulator = await startTestEmulator()
    const stream = openStream(emulator)
    const { uid } = await stream.mintBasic({ maxDurationSeconds: 600 })
    await emulator.advanceClock(30 * 60 - 10)
    expect((await emulator.state()).reservedSeconds).toBe(600)
    await emulator.advanceClock(11)
    expect((await emulator.state()).reservedSeconds).toBe(0)
    expect((await stream.details(uid)).status.state).toBe('pendingupload')
  })

  test('by deletion, before and after the upload', async () => {
    const emulator = await startTestEmulator({ encodeMs: 0 })
    const stream = openStream(emulator)
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

describe('when storage is spent', () => {
  test('nothing more is minted: 413, 10011, and the minutes in words', async () => {
    const emulator = await startTestEmulator({ storageMinutes: 10 })
    const stream = openStream(emulator)
    await stream.mintBasic({ maxDurationSeconds: 599 })
    const refused = await stream.call('POST', '/direct_upload', { maxDurationSeconds: 2 })
    expect(refused).toMatchObject({ status: 413, code: 10_011 })
    expect(refused.reason).toBe('You have uploaded 9.98 minutes and are allocated 10 minutes.')
    const tus = await stream.mintTusRaw(10, { maxDurationSeconds: '2' })
    expect(tus.status).toBe(413)
    expect(await tus.text()).toContain('10011')
    await stream.mintBasic({ maxDurationSeconds: 1 })
    expect((await emulator.state()).reservedSeconds).toBe(600)
  })

  test('a wrong token is found out first', async () => {
    const emulator = await startTestEmulator({ storageMinutes: 0 })
    const stranger = openStream({ ...emulator, token: 'wrong' })
    const answer = await stranger.call('POST', '/direct_upload', { maxDurationSeconds: 2 })
    expect(answer).toMatchObject({ status: 401, code: 10_000 })
  })

  test('a larger cap does not fit either', async () => {
    const emulator = await startTestEmulator({ storageMinutes: 10 })
    const stream = openStream(emulator)
    const { uid } = await stream.mintBasic({ maxDurationSeconds: 300 })
    const larger = await stream.call('POST', `/${uid}`, { maxDurationSeconds: 601 })
    expect(larger).toMatchObject({ status: 413, code: 10_011 })
    const fits = await stream.call('POST', `/${uid}`, { maxDurationSeconds: 600 })
    expect(fits.status).toBe(200)
  })
})

test('storage-usage counts stored minutes, the account’s or one creator’s', async () => {
  const emulator = await startTestEmulator({ encodeMs: 0, storageMinutes: 20 })
  const stream = openStream(emulator)
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
