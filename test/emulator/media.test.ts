/** The media info that the emulator reads from a file, and the result of processing for each kind of file. */
import { describe, expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import {
  damagedVideo,
  tooShortVideo,
  headlessVideo,
  paddedTestcard,
  testcard,
  testcardFile,
  textFile,
} from '../kit/media.ts'
import { startWebhookReceiver } from './kit/webhook-receiver.ts'
import { createStreamClient } from './kit/stream-client.ts'
import { tusUpload } from './kit/tus-client.ts'

/** Uploads the file, waits for the webhook, and returns its video. */
async function processed(file: Blob, maxDurationSeconds = 60) {
  const emulator = await startTestEmulator({ encodeMs: 0 })
  const stream = createStreamClient(emulator)
  const receiver = await startWebhookReceiver()
  await stream.putWebhook(receiver.url)
  const { uploadURL } = await stream.mintBasic({ maxDurationSeconds })
  expect((await stream.sendFile(uploadURL, file)).status).toBe(200)
  const { video } = await receiver.next()
  const state = await emulator.state()
  return { video, state }
}

describe('a file that is not a valid video is received and fails in processing', () => {
  test.each([
    ['text', textFile(), 60, 'ERR_NON_VIDEO', -1],
    ['an empty file', new Blob([]), 60, 'ERR_NON_VIDEO', -1],
    ['a playlist', new Blob(['#EXTM3U\n#EXTINF:1,\n/etc/hostname\n']), 60, 'ERR_NON_VIDEO', -1],
    ['a truncated video', damagedVideo(), 60, 'ERR_MALFORMED_VIDEO', -1],
    ['a video without its last byte', testcardFile().slice(0, -1), 60, 'ERR_MALFORMED_VIDEO', -1],
    ['a video without tables', headlessVideo(), 60, 'ERR_MALFORMED_VIDEO', -1],
    ['a video that is too short', tooShortVideo(), 60, 'ERR_DURATION_TOO_SHORT', 0.06],
    ['a video that is too long', testcardFile(), 5, 'ERR_DURATION_EXCEED_CONSTRAINT', 6],
  ])('%s', async (_name, file, maxDurationSeconds, code, duration) => {
    const { video, state } = await processed(file, maxDurationSeconds)
    expect(video).toMatchObject({
      readyToStream: false,
      readyToStreamAt: null,
      size: file.size,
      duration,
      status: { state: 'error', step: 'encoding', pctComplete: '39.000000', errorReasonCode: code },
    })
    expect(video.status.errorReasonText).not.toBe('')
    expect(state).toMatchObject({ reservedSeconds: 0, storedSeconds: 0 })
  })
})

test('a video of exactly maxDurationSeconds becomes ready', async () => {
  const { video } = await processed(testcardFile(), 6)
  expect(video).toMatchObject({ status: { state: 'ready' }, duration: 6 })
})

test('reads size, duration and dimensions of a padded file of more than 200 MB', async () => {
  const emulator = await startTestEmulator({ encodeMs: 0 })
  const stream = createStreamClient(emulator)
  const file = paddedTestcard(210_000_123)
  const { uid, uploadURL } = await stream.mintTus(file.size)
  const before = process.memoryUsage().arrayBuffers
  await tusUpload(uploadURL, file, { chunkSize: 52_428_800 })
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(209_000_000)
  expect(await stream.details(uid)).toMatchObject({
    size: 210_000_123,
    duration: testcard.durationSeconds,
    input: { width: testcard.width, height: testcard.height },
    status: { state: 'ready' },
  })
})
