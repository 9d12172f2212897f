/** The playback URLs of a video except its manifests: the file with ranges, a page, a thumbnail. */
import { describe, expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { testcard, testcardFile } from '../kit/media.ts'
import { createStreamClient } from './kit/stream-client.ts'

async function startWithVideo(params: Readonly<Record<string, unknown>> = {}) {
  const emulator = await startTestEmulator({ encodeMs: 0 })
  const stream = createStreamClient(emulator)
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60, ...params })
  await stream.sendFile(uploadURL, testcardFile())
  const fileURL = `${emulator.url}/${uid}/video`
  return { emulator, stream, fileURL, video: await stream.details(uid) }
}

describe('the received file', () => {
  test('is sent byte for byte', async () => {
    const { fileURL } = await startWithVideo()
    const response = await fetch(fileURL)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('video/mp4')
    expect(response.headers.get('accept-ranges')).toBe('bytes')
    expect(Buffer.from(await response.arrayBuffer()).equals(testcard.bytes)).toBe(true)
  })

  const size = testcard.bytes.byteLength
  test.each([
    ['bytes=0-0', 0, 0],
    ['bytes=100-199', 100, 199],
    [`bytes=${size - 1}-`, size - 1, size - 1],
    ['bytes=-10', size - 10, size - 1],
    [`bytes=-${size * 2}`, 0, size - 1],
    ['bytes=1000-99999999', 1000, size - 1],
  ])('responds to the range %s with 206', async (range, first, last) => {
    const { fileURL } = await startWithVideo()
    const response = await fetch(fileURL, { headers: { range } })
    expect(response.status).toBe(206)
    expect(response.headers.get('content-range')).toBe(`bytes ${first}-${last}/${size}`)
    const bytes = Buffer.from(await response.arrayBuffer())
    expect(bytes.equals(testcard.bytes.slice(first, last + 1))).toBe(true)
  })

  test.each([[`bytes=${size}-`], ['bytes=-0']])(
    'responds to the range %s with 416',
    async (range) => {
      const { fileURL } = await startWithVideo()
      const response = await fetch(fileURL, { headers: { range } })
      expect(response.status).toBe(416)
      expect(response.headers.get('content-range')).toBe(`bytes */${size}`)
    },
  )

  test.each([['bytes=5-2'], ['bytes=a-b'], ['bytes=0-1,5-6'], ['lines=1-2']])(
    'sends the whole file for %s',
    async (range) => {
      const { fileURL } = await startWithVideo()
      expect((await fetch(fileURL, { headers: { range } })).status).toBe(200)
    },
  )

  test('HEAD returns the size without a body, and If-Range is honored', async () => {
    const { fileURL } = await startWithVideo()
    const head = await fetch(fileURL, { method: 'HEAD' })
    expect(head.headers.get('content-length')).toBe(String(size))
    const etag = head.headers.get('etag') ?? ''
    const range = 'bytes=0-9'
    const same = await fetch(fileURL, { headers: { range, 'if-range': etag } })
    expect(same.status).toBe(206)
    const other = await fetch(fileURL, { headers: { range, 'if-range': '"other"' } })
    expect(other.status).toBe(200)
  })
})

describe('preview', () => {
  test.each([['text/html,*/*;q=0.8'], ['video/*'], ['*/*']])(
    'is an HTML page, also for requests with Accept: %s',
    async (accept) => {
      const { fileURL, video } = await startWithVideo({ meta: { name: '<b>"A" & B</b>' } })
      const response = await fetch(video.preview, { headers: { accept, range: 'bytes=0-9' } })
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
      const page = await response.text()
      expect(page).toContain(`src="/${video.uid}/video"`)
      expect(page).not.toContain('<b>')
      expect((await fetch(fileURL)).status).toBe(200)
    },
  )

  test('responds with 404 before the video is ready, and with 401 if it requires signed URLs', async () => {
    const { stream } = await startWithVideo()
    const pending = await stream.mintBasic({ maxDurationSeconds: 60 })
    expect((await fetch((await stream.details(pending.uid)).preview)).status).toBe(404)
    const { video } = await startWithVideo({ requireSignedURLs: true })
    for (const url of [video.preview, video.thumbnail, video.playback.hls]) {
      expect((await fetch(url)).status).toBe(401)
    }
  })

  test('allows any origin and rejects methods other than GET and HEAD', async () => {
    const { video } = await startWithVideo()
    const response = await fetch(video.preview, { method: 'HEAD' })
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect((await fetch(video.preview, { method: 'OPTIONS' })).status).toBe(204)
    expect((await fetch(video.preview, { method: 'POST' })).status).toBe(405)
    expect((await fetch(`${video.preview}/more`)).status).toBe(404)
  })
})

test('the thumbnail is an SVG that escapes the name', async () => {
  const { video } = await startWithVideo({ meta: { name: '<script>' } })
  const response = await fetch(video.thumbnail)
  expect(response.headers.get('content-type')).toBe('image/svg+xml')
  const picture = await response.text()
  expect(picture).toMatch(/^<svg .*viewBox="0 0 640 360"/)
  expect(picture).not.toContain('<script>')
})

test('the thumbnail cuts a long name between characters', async () => {
  const { video } = await startWithVideo({ meta: { name: `${'x'.repeat(39)}😀` } })
  expect(await (await fetch(video.thumbnail)).text()).toContain(`${'x'.repeat(39)}</text>`)
})
