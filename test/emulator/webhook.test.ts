/** The account's webhook and the notices: when they are sent, how they are signed, what goes wrong. */
import { describe, expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { testcardFile, textFile } from '../kit/media.ts'
import { until } from './kit/raw-request.ts'
import { openReceiver, readSignature } from './kit/webhook-receiver.ts'
import { openStream } from './kit/stream-client.ts'

async function startWithReceiver() {
  const emulator = await startTestEmulator({ encodeMs: 0 })
  const stream = openStream(emulator)
  const receiver = await openReceiver()
  const { secret } = await stream.putWebhook(receiver.url)
  /** A video that is processed at once. */
  const upload = async (file: Blob = testcardFile()) => {
    const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
    await stream.sendFile(uploadURL, file)
    return uid
  }
  const settled = () => until(async () => (await emulator.state()).notices.length === 0)
  return { emulator, stream, receiver, secret, upload, settled }
}

describe('the subscription', () => {
  test('is put, read and deleted', async () => {
    const stream = openStream(await startTestEmulator())
    expect(await stream.call('GET', '/webhook')).toMatchObject({ status: 404, code: 10_003 })
    const put = await stream.putWebhook('https://example.com/hook')
    expect(put.notificationUrl).toBe('https://example.com/hook')
    expect((await stream.call('GET', '/webhook')).result).toEqual(put)
    expect((await stream.call('DELETE', '/webhook')).status).toBe(200)
    expect((await stream.call('GET', '/webhook')).status).toBe(404)
    expect((await stream.call('DELETE', '/webhook')).status).toBe(404)
  })

  test('keeps its secret with its URL, and changes both together', async () => {
    const stream = openStream(await startTestEmulator())
    const first = await stream.putWebhook('https://example.com/a')
    expect((await stream.putWebhook('https://example.com/a')).secret).toBe(first.secret)
    expect((await stream.putWebhook('https://example.com/b')).secret).not.toBe(first.secret)
  })

  test('takes the older spelling, and only http URLs', async () => {
    const stream = openStream(await startTestEmulator())
    const older = await stream.call('PUT', '/webhook', { notification_url: 'http://example.com' })
    expect(older.status).toBe(200)
    for (const body of [{}, { notificationUrl: 'ftp://a' }, { notificationUrl: 'http://' }, 'x']) {
      const answer = await stream.call('PUT', '/webhook', body)
      expect(answer).toMatchObject({ status: 400, code: 10_005 })
    }
  })
})

describe('a notice', () => {
  test('is the bare video, signed over its bytes with the time that it is', async () => {
    const { stream, receiver, secret, upload } = await startWithReceiver()
    const uid = await upload()
    const webhook = await receiver.next()
    expect(webhook.contentType).toBe('application/json')
    expect(JSON.parse(webhook.body)).toEqual((await stream.call('GET', `/${uid}`)).result)
    const { unixSeconds, isRight } = readSignature(webhook, secret)
    expect(isRight).toBe(true)
    expect(Math.abs(Date.now() / 1000 - unixSeconds)).toBeLessThan(5)
  })

  test('carries real time in its signature, however far the clock was advanced', async () => {
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

  test('is sent once, and not for minting, lapse or deletion', async () => {
    const { emulator, stream, receiver, upload, settled } = await startWithReceiver()
    const { uid } = await stream.mintBasic({ maxDurationSeconds: 60 })
    await emulator.advanceClock(3600)
    await stream.call('DELETE', `/${uid}`)
    await upload()
    await settled()
    expect(receiver.notices).toHaveLength(1)
  })

  test('is not owed where there is no webhook', async () => {
    const { emulator, stream, receiver, upload, settled } = await startWithReceiver()
    await stream.call('DELETE', '/webhook')
    await upload()
    await settled()
    expect((await emulator.state()).notices).toEqual([])
    expect(receiver.notices).toEqual([])
  })

  test('comes again after an answer that is not 2xx, further and further apart', async () => {
    const { emulator, receiver, upload, settled } = await startWithReceiver()
    receiver.answerWith(500, 404, 302)
    await upload()
    for (const [attempts, pause] of [
      [1, 0.5],
      [2, 2],
      [3, 10],
    ] as const) {
      await until(async () => (await emulator.state()).notices[0]?.attempts === attempts)
      expect(receiver.notices).toHaveLength(attempts)
      await emulator.advanceClock(pause)
    }
    await settled()
    expect(receiver.notices).toHaveLength(4)
  })

  test('comes again where nobody listened, and is given up in the end', async () => {
    const { emulator, receiver, upload, settled } = await startWithReceiver()
    await receiver.close()
    await upload()
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      await until(async () => (await emulator.state()).notices[0]?.attempts === attempt)
      await emulator.advanceClock(300)
    }
    await settled()
    expect(receiver.notices).toHaveLength(0)
  })
})

describe('a planned fault', () => {
  test('drop loses the notice', async () => {
    const { emulator, receiver, upload, settled } = await startWithReceiver()
    await emulator.fault({ on: 'webhook', drop: true })
    await upload()
    await settled()
    const second = await upload()
    expect((await receiver.next()).video.uid).toBe(second)
  })

  test('duplicate sends it so many times', async () => {
    const { emulator, receiver, upload, settled } = await startWithReceiver()
    await emulator.fault({ on: 'webhook', duplicate: 3 })
    const uid = await upload()
    await settled()
    expect(receiver.notices.map((webhook) => webhook.video.uid)).toEqual([uid, uid, uid])
  })

  test('reorder sends it after the next one', async () => {
    const { emulator, receiver, upload } = await startWithReceiver()
    await emulator.fault({ on: 'webhook', reorder: true })
    const first = await upload()
    const second = await upload()
    expect((await receiver.next()).video.uid).toBe(second)
    expect((await receiver.next()).video.uid).toBe(first)
  })

  test('reorder does not wait for ever', async () => {
    const { emulator, receiver, upload } = await startWithReceiver()
    await emulator.fault({ on: 'webhook', reorder: true })
    const only = await upload()
    await until(async () => (await emulator.state()).faults.length === 0)
    await emulator.advanceClock(2)
    expect((await receiver.next()).video.uid).toBe(only)
  })

  test('status and hangUp fail as the receiver would, hangUpAfter delivers and forgets', async () => {
    const { emulator, receiver, upload, settled } = await startWithReceiver()
    await emulator.fault({ on: 'webhook', status: 503 })
    await emulator.fault({ on: 'webhook', hangUp: true })
    await emulator.fault({ on: 'webhook', hangUpAfter: true })
    await upload()
    await until(async () => (await emulator.state()).notices[0]?.attempts === 1)
    expect(receiver.notices).toHaveLength(0)
    await emulator.advanceClock(1)
    await until(async () => (await emulator.state()).notices[0]?.attempts === 2)
    expect(receiver.notices).toHaveLength(0)
    await emulator.advanceClock(3)
    await until(async () => (await emulator.state()).notices[0]?.attempts === 3)
    expect(receiver.notices).toHaveLength(1)
    await emulator.advanceClock(10)
    await settled()
    expect(receiver.notices).toHaveLength(2)
  })
})
