/** A page of another site in a real browser can upload to an emulator, but not use its APIs. */
import { expect, it } from 'vitest'
import { z } from 'zod'
import { createStreamClient } from '../emulator/kit/stream-client.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'
import { serveSite } from './kit/site.ts'

/** Sends the requests that need no CORS preflight; resolves after all responses. */
function attack(emulator: string): string {
  return `(async () => {
    const noCors = (path, init) => fetch('${emulator}' + path, { mode: 'no-cors', ...init })
    const form = document.createElement('form')
    form.action = '${emulator}/__emulator/reset'
    form.method = 'post'
    form.enctype = 'text/plain'
    form.target = 'response'
    const frame = document.createElement('iframe')
    frame.name = 'response'
    document.body.append(frame, form)
    const loaded = new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }))
    form.submit()
    await loaded
    await noCors('/__emulator/reset', { method: 'POST' })
    await noCors('/__emulator/reset', { method: 'POST', body: '{"webhook":true}' })
    await noCors('/__emulator/clock', { method: 'POST', body: new Blob(['{"advanceSeconds":90}']) })
    await noCors('/__emulator/faults', { method: 'POST', body: '{"on":"upload","status":500}', referrerPolicy: 'no-referrer' })
    const read = (path, headers) => fetch('${emulator}' + path, { headers }).then(() => 'read', () => 'blocked')
    return [
      await read('/__emulator/state', {}),
      await read('/client/v4/accounts/local/stream/webhook', { authorization: 'Bearer local-token' }),
    ]
  })()`
}

function upload(uploadURL: string): string {
  return `(async () => {
    const form = new FormData()
    form.append('file', new Blob(['not a video']), 'film.mp4')
    return (await fetch('${uploadURL}', { method: 'POST', body: form })).status
  })()`
}

describeInChromium('a page of another site', () => {
  it('uploads to an emulator on this machine, and cannot use its APIs', async () => {
    const emulator = await startTestEmulator()
    const stream = createStreamClient(emulator)
    await stream.putWebhook('http://127.0.0.1:9/hook')
    const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
    const site = await serveSite('')
    const { page } = await openPage(site.url)
    const outcomes = z.array(z.string()).parse(await page.evaluate(attack(emulator.url)))
    expect(outcomes).toEqual(['blocked', 'blocked'])
    const { videos, faults, clock } = await emulator.state()
    expect(videos.map((video) => video.uid)).toEqual([uid])
    expect([faults, clock.advancedSeconds]).toEqual([[], 0])
    expect((await stream.call('GET', '/webhook')).status).toBe(200)
    expect(await page.evaluate(upload(uploadURL))).toBe(200)
  })
})
