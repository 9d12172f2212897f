/** The webhook subscription and its deliveries: when they are sent, their signature, retries and faults. */
import { describe, expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { testcardFile, textFile } from '../kit/media.ts'
import { pollUntil } from './kit/raw-request.ts'
import { readSignature, startSilentReceiver, startWebhookReceiver } from './kit/webhook-receiver.ts'
import { createStreamClient } from './kit/stream-client.ts'

async function startWithReceiver() {
  const emulator = await startTestEmulator({ encodeMs: 0 })
  const stream = createStreamClient(emulator)
  const receiver = await startWebhookReceiver()
  const { secret } = await stream.putWebhook(receiver.url)
  /** Uploads a video that is processed immediately. */
  const upload = async (file: Blob = testcardFile()) => {
    const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
    await stream.sendFile(uploadURL, file)
    return uid
  }
  const allDelivered = () => pollUntil(async () => (await emulator.state()).webhooks.length === 0)
  return { emulator, stream, receiver, secret, upload, allDelivered }
}

describe('the subscription', () => {
  test('can be created, read and deleted', async () => {
    const stream = createStreamClient(await startTestEmulator())
    expect(await stream.call('GET', '/webhook')).toMatchObject({ status: 404, code: 10_003 })
    const put = await stream.putWebhook('https://example.com/hook')
    expect(put.notificationUrl).toBe('https://example.com/hook')
    expect((await stream.call('GET', '/webhook')).result).toEqual(put)
    expect((await stream.call('DELETE', '/webhook')).status).toBe(200)
    expect((await stream.call('GET', '/webhook')).status).toBe(404)
    expect((await stream.call('DELETE', '/webhook')).status).toBe(404)
  })

  test('keeps its secret for the same URL, and gets a new secret with a new URL', async () => {
    const stream = createStreamClient(await startTestEmulator())
    const first = await stream.putWebhook('https://example.com/a')
    expect((await stream.putWebhook('https://example.com/a')).secret).toBe(first.secret)
    expect((await stream.putWebhook('https://example.com/b')).secret).not.toBe(first.secret)
  })

  test('accepts notification_url, and rejects URLs that are not HTTP', async () => {
    const stream = createStreamClient(await startTestEmulator())
    const older = await stream.call('PUT', '/webhook', { notification_url: 'http://example.com' })
    expect(older.status).toBe(200)
    for (const body of [{}, { notificationUrl: 'ftp://a' }, { notificationUrl: 'http://' }, 'x']) {
      const response = await stream.call('PUT', '/webhook', body)
      expect(response).toMatchObject({ status: 400, code: 10_005 })
    }
  })
})

describe('a webhook', () => {
  test('contains the video, with a signature of its bytes and the current time', async () => {
    const { stream, receiver, secret, upload } = await startWithReceiver()
    const uid = await upload()
    const webhook = await receiver.next()
    expect(webhook.contentType).toBe('application/json')
    expect(JSON.parse(webhook.body)).toEqual((await stream.call('GET', `/${uid}`)).result)
    const { unixSeconds, isRight } = readSignature(webhook, secret)
    expect(isRight).toBe(true)
    expect(Math.abs(Date.now() / 1000 - unixSeconds)).toBeLessThan(5)
  })

  test('has the real time in its signature after the clock was advanced', async () => {
    const { emulator, receiver, secret, upload } = await startWithReceiver()
    await emulator.advanceClock(100_000)
    await upload()
    const { unixSeconds, isRight } = readSignature(await receiver.next(), secret)
    expect(isRight).toBe(true)
    expect(Math.abs(Date.now() / 1000 - unixSeconds)).toBeLessThan(5)
  })

  test('is sent for an error too', async () => {
    const { receiver, upload } = await startWithReceiver()
    await upload(textFile())
    expect((await receiver.next()).video.status).toMatchObject({
      state: 'error',
      errorReasonCode: 'ERR_NON_VIDEO',
    })
  })

  test('is sent once, and not for minting, expiry or deletion', async () => {
    const { emulator, stream, receiver, upload, allDelivered } = await startWithReceiver()
    const { uid } = await stream.mintBasic({ maxDurationSeconds: 60 })
    await emulator.advanceClock(3600)
    await stream.call('DELETE', `/${uid}`)
    await upload()
    await allDelivered()
    expect(receiver.webhooks).toHaveLength(1)
  })

  test('is sent to a receiver that does not respond for 50 videos at a time', async () => {
    const emulator = await startTestEmulator({ encodeMs: 60_000 })
    const stream = createStreamClient(emulator)
    const receiver = await startSilentReceiver()
    await stream.putWebhook(receiver.url)
    for (let count = 0; count < 60; count += 1) {
      const { uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
      await stream.sendFile(uploadURL, textFile())
    }
    await emulator.advanceClock(60)
    await pollUntil(async () => receiver.waiting.length >= 50)
    // A later round trip: all that are sent have arrived.
    expect((await emulator.state()).webhooks).toHaveLength(60)
    expect(receiver.waiting).toHaveLength(50)
    receiver.respond()
    await pollUntil(async () => receiver.waiting.length === 10)
    receiver.respond()
    await pollUntil(async () => (await emulator.state()).webhooks.length === 0)
  })

  test('is not queued without a subscription', async () => {
    const { emulator, stream, receiver, upload, allDelivered } = await startWithReceiver()
    await stream.call('DELETE', '/webhook')
    await upload()
    await allDelivered()
    expect((await emulator.state()).webhooks).toEqual([])
    expect(receiver.webhooks).toEqual([])
  })

  test('is retried after a response that is not 2xx, with increasing delays', async () => {
    const { emulator, receiver, upload, allDelivered } = await startWithReceiver()
    receiver.respondWith(500, 404, 302)
    await upload()
    for (const [attempts, delaySeconds] of [
      [1, 0.5],
      [2, 2],
      [3, 10],
    ] as const) {
      await pollUntil(async () => (await emulator.state()).webhooks[0]?.attempts === attempts)
      expect(receiver.webhooks).toHaveLength(attempts)
      await emulator.advanceClock(delaySeconds)
    }
    await allDelivered()
    expect(receiver.webhooks).toHaveLength(4)
  })

  test('is retried while the receiver is unreachable, and dropped after five attempts', async () => {
    const { emulator, receiver, upload, allDelivered } = await startWithReceiver()
    await receiver.close()
    await upload()
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      await pollUntil(async () => (await emulator.state()).webhooks[0]?.attempts === attempt)
      await emulator.advanceClock(300)
    }
    await allDelivered()
    expect(receiver.webhooks).toHaveLength(0)
  })
})

describe('a planned fault', () => {
  test('drop skips the webhook', async () => {
    const { emulator, receiver, upload, allDelivered } = await startWithReceiver()
    await emulator.fault({ on: 'webhook', drop: true })
    await upload()
    await allDelivered()
    const second = await upload()
    expect((await receiver.next()).video.uid).toBe(second)
  })

  test('duplicate sends it `duplicate` times', async () => {
    const { emulator, receiver, upload, allDelivered } = await startWithReceiver()
    await emulator.fault({ on: 'webhook', duplicate: 3 })
    const uid = await upload()
    await allDelivered()
    expect(receiver.webhooks.map((webhook) => webhook.video.uid)).toEqual([uid, uid, uid])
  })

  test('reorder sends it after the next webhook', async () => {
    const { emulator, receiver, upload } = await startWithReceiver()
    await emulator.fault({ on: 'webhook', reorder: true })
    const first = await upload()
    const second = await upload()
    expect((await receiver.next()).video.uid).toBe(second)
    expect((await receiver.next()).video.uid).toBe(first)
  })

  test('reorder sends it after two seconds without another webhook', async () => {
    const { emulator, receiver, upload } = await startWithReceiver()
    await emulator.fault({ on: 'webhook', reorder: true })
    const only = await upload()
    await pollUntil(async () => (await emulator.state()).faults.length === 0)
    await emulator.advanceClock(2)
    expect((await receiver.next()).video.uid).toBe(only)
  })

  test('status and hangUp fail the delivery, hangUpAfter delivers and retries', async () => {
    const { emulator, receiver, upload, allDelivered } = await startWithReceiver()
    await emulator.fault({ on: 'webhook', status: 503 })
    await emulator.fault({ on: 'webhook', hangUp: true })
    await emulator.fault({ on: 'webhook', hangUpAfter: true })
    await upload()
    await pollUntil(async () => (await emulator.state()).webhooks[0]?.attempts === 1)
    expect(receiver.webhooks).toHaveLength(0)
    await emulator.advanceClock(1)
    await pollUntil(async () => (await emulator.state()).webhooks[0]?.attempts === 2)
    expect(receiver.webhooks).toHaveLength(0)
    await emulator.advanceClock(3)
    await pollUntil(async () => (await emulator.state()).webhooks[0]?.attempts === 3)
    expect(receiver.webhooks).toHaveLength(1)
    await emulator.advanceClock(10)
    await allDelivered()
    expect(receiver.webhooks).toHaveLength(2)
  })
})
