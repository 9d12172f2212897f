/** Complete uploads: create, send, observe the states, receive the webhook, play. */
import { describe, expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { paddedTestcard, testcard, testcardFile } from '../kit/media.ts'
import { startWebhookReceiver } from './kit/webhook-receiver.ts'
import { createStreamClient } from './kit/stream-client.ts'
import { tusUpload } from './kit/tus-client.ts'

describe('a basic upload', () => {
  test('passes pendingupload, queued and inprogress to ready, with one webhook', async () => {
    const emulator = await startTestEmulator({ encodeMs: 10_000_000 })
    const stream = createStreamClient(emulator)
    const receiver = await startWebhookReceiver()
    await stream.putWebhook(receiver.url)
    const minted = await stream.mintBasic({ maxDurationSeconds: 60, meta: { name: 'A film' } })
    expect(minted.uploadURL).toBe(`${emulator.url}/${minted.uid}`)
    expect(await stream.details(minted.uid)).toMatchObject({
      status: { state: 'pendingupload' },
      readyToStream: false,
      size: 0,
      duration: -1,
      input: { width: -1, height: -1 },
      maxDurationSeconds: 60,
      meta: { name: 'A film' },
    })

    const sent = await stream.sendFile(minted.uploadURL, testcardFile())
    expect(sent.status).toBe(200)
    expect(await stream.details(minted.uid)).toMatchObject({
      status: { state: 'queued', pctComplete: '0.000000' },
      size: testcard.bytes.byteLength,
      duration: testcard.durationSeconds,
      input: { width: testcard.width, height: testcard.height },
    })

    await emulator.advanceClock(5000)
    const halfway = await stream.details(minted.uid)
    expect(halfway.status).toMatchObject({ state: 'inprogress', step: 'encoding' })
    expect(Number(halfway.status.pctComplete)).toBeGreaterThan(40)
    expect(Number(halfway.status.pctComplete)).toBeLessThan(43)
    expect(receiver.webhooks).toHaveLength(0)

    await emulator.advanceClock(5001)
    const webhook = await receiver.next()
    expect(webhook.video).toMatchObject({
      uid: minted.uid,
      readyToStream: true,
      status: { state: 'ready', pctComplete: '100.000000', errorReasonCode: '' },
    })
    expect(await stream.details(minted.uid)).toEqual(webhook.video)
  })
})

describe('a tus upload', () => {
  test('of a file in several chunks is stored completely', { timeout: 30_000 }, async () => {
    const emulator = await startTestEmulator()
    const stream = createStreamClient(emulator)
    const receiver = await startWebhookReceiver()
    await stream.putWebhook(receiver.url)
    const file = paddedTestcard(12_000_001)
    const minted = await stream.mintTus(file.size, { maxDurationSeconds: '60', name: 'A film' })
    expect(minted.uploadURL).toMatch(/\/tus\/[0-9a-f]{32}\?tusv2=true$/)

    const progress = await tusUpload(minted.uploadURL, file, { chunkSize: 5_242_880 })
    expect(progress.at(-1)).toBe(file.size)

    const webhook = await receiver.next()
    expect(webhook.video).toMatchObject({
      uid: minted.uid,
      size: file.size,
      duration: testcard.durationSeconds,
      input: { width: 640, height: 360 },
      meta: { name: 'A film' },
      status: { state: 'ready' },
    })
    const played = await fetch(`${emulator.url}/${minted.uid}/video`)
    const bytes = Buffer.from(await played.arrayBuffer())
    expect(bytes.equals(Buffer.from(await file.arrayBuffer()))).toBe(true)
  })
})
