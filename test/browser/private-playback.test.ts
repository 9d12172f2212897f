/** Plays an emulator's private video in Chromium by a token in place of its uid, from another origin. */
import type { Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { requestToken } from '../emulator/kit/playback-tokens.ts'
import { createStreamClient } from '../emulator/kit/stream-client.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { repeatTestcard } from '../kit/long-video.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'
import { playAndSeek } from './kit/player.ts'
import { serveSite } from './kit/site.ts'

/** Four times the test card: a key frame each six seconds. */
const REPETITIONS = 4
const SECONDS = 24

async function startWithPrivateVideo(file: File) {
  const emulator = await startTestEmulator({ encodeMs: 0 })
  const stream = createStreamClient(emulator)
  const params = { maxDurationSeconds: 600, requireSignedURLs: true }
  const { uid, uploadURL } = await stream.mintBasic(params)
  expect((await stream.sendFile(uploadURL, file)).status).toBe(200)
  return { emulator, uid, token: await requestToken(stream, uid) }
}

/** Opens a page with this element; returns it with the URLs of its requests. */
async function openElement(html: string) {
  const { page, errors } = await openPage((await serveSite('')).url)
  const requests: URL[] = []
  page.on('request', (request) => requests.push(new URL(request.url())))
  await page.evaluate(`document.body.insertAdjacentHTML('beforeend', ${JSON.stringify(html)})`)
  return { page, errors, requests }
}

/** Width and height of the page's picture in pixels. */
function pictureSize(page: Page): Promise<unknown> {
  return page.evaluate(`(async (image) => {
    await image.decode()
    return [image.naturalWidth, image.naturalHeight]
  })(document.querySelector('img'))`)
}

/** Waits until the page's video has failed; resolves to the name of its error. */
async function playbackError(page: Page): Promise<unknown> {
  const error = `document.querySelector('video').error`
  await page.waitForFunction(`${error} !== null`)
  return page.evaluate(
    `Object.keys(MediaError.prototype).find((name) => MediaError[name] === ${error}.code)`,
  )
}

describeInChromium("playback of an emulator's private video", () => {
  let file: File

  beforeAll(async () => {
    file = await repeatTestcard(REPETITIONS)
  })

  it('plays and seeks in HLS, each request with the token', async () => {
    const { emulator, token } = await startWithPrivateVideo(file)
    const source = `${emulator.url}/${token}/manifest/video.m3u8`
    const { page, errors, requests } = await openElement(`<video src="${source}"></video>`)
    await playAndSeek(page, SECONDS)
    expect(errors).toEqual([])
    const paths = requests.filter(({ origin }) => origin === emulator.url)
    expect(paths.length).toBeGreaterThan(0)
    expect(paths.filter(({ pathname }) => !pathname.startsWith(`/${token}/`))).toEqual([])
  })

  it('plays and seeks in the iframe, and shows the thumbnail', async () => {
    const { emulator, token } = await startWithPrivateVideo(file)
    const base = `${emulator.url}/${token}`
    const { page } = await openElement(
      `<img src="${base}/thumbnails/thumbnail.jpg?time=3s&width=320&height=180">
       <iframe src="${base}/iframe"></iframe>`,
    )
    expect(await pictureSize(page)).toEqual([320, 180])
    const frame = await (await page.waitForSelector('iframe')).contentFrame()
    if (frame === null) throw new Error('no frame')
    await playAndSeek(frame, SECONDS)
  })

  it('shows an animated thumbnail', async () => {
    const { emulator, token } = await startWithPrivateVideo(file)
    const source = `${emulator.url}/${token}/thumbnails/thumbnail.gif?duration=2s&height=90`
    const { page } = await openElement(`<img src="${source}">`)
    expect(await pictureSize(page)).toEqual([160, 90])
  })

  it('does not play by its uid', async () => {
    const { emulator, uid } = await startWithPrivateVideo(file)
    const source = `${emulator.url}/${uid}/manifest/video.m3u8`
    const { page } = await openElement(`<video src="${source}"></video>`)
    expect(await playbackError(page)).toBe('MEDIA_ERR_SRC_NOT_SUPPORTED')
  })

  it('stops when the token expires', async () => {
    const { emulator, token } = await startWithPrivateVideo(file)
    const source = `${emulator.url}/${token}/manifest/video.m3u8`
    const { page } = await openElement(`<video src="${source}"></video>`)
    await page.waitForFunction(`document.querySelector('video').duration > 0`)
    await emulator.advanceClock(3601)
    await page.evaluate(`document.querySelector('video').load()`)
    expect(await playbackError(page)).toBe('MEDIA_ERR_SRC_NOT_SUPPORTED')
  })
})
