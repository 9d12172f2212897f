/** Plays an emulator's videos in Chromium: HLS, DASH and the received file, from another origin. */
import { beforeAll, describe, expect, it } from 'vitest'
import { createStreamClient } from '../emulator/kit/stream-client.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { type Container, repeatTestcard } from '../kit/long-video.ts'
import { testcardFile } from '../kit/media.ts'
import { plainVideo, writeMp4 } from '../kit/mp4.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'
import { createFrontend, hasNoPackages, packagesHint } from './kit/frontend.ts'
import { playAndSeek } from './kit/player.ts'
import { bundleSite, serveSite } from './kit/site.ts'

/** Four times the test card: a key frame each six seconds. */
const REPETITIONS = 4
const SECONDS = 24

/** Each player adds a `<video>` to the page. */
const PLAYERS = /* js */ `
  import Hls from 'hls.js'
  import * as dashjs from 'dashjs'
  export const errors = []
  const addVideo = () => {
    const element = document.createElement('video')
    element.muted = true
    document.body.append(element)
    return element
  }
  export function playHls(url) {
    const hls = new Hls()
    hls.on(Hls.Events.ERROR, (_event, { type, details }) => errors.push(type + ' ' + details))
    hls.loadSource(url)
    hls.attachMedia(addVideo())
  }
  export function playDash(url) {
    const player = dashjs.MediaPlayer().create()
    player.on('error', ({ error }) => errors.push('dash ' + error.message))
    player.initialize(addVideo(), url, false)
  }
`

async function startWithVideo(file: File) {
  const emulator = await startTestEmulator({ encodeMs: 0 })
  const stream = createStreamClient(emulator)
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 600 })
  expect((await stream.sendFile(uploadURL, file)).status).toBe(200)
  return stream.details(uid)
}

describeInChromium(`playback of an emulator's video${packagesHint}`, () => {
  let file: File
  let script = ''

  beforeAll(async () => {
    file = await repeatTestcard(REPETITIONS)
    if (hasNoPackages) return
    const frontend = await createFrontend()
    script = await bundleSite(PLAYERS, { folder: frontend.folder })
    await frontend.remove()
  }, 60_000)

  describe.skipIf(hasNoPackages)('by players', () => {
    it.each([
      ['hls.js', 'playHls', 'hls'],
      ['dash.js', 'playDash', 'dash'],
    ] as const)('plays and seeks with %s', async (_name, player, manifest) => {
      const { playback } = await startWithVideo(file)
      const { page, errors } = await openPage((await serveSite(script)).url)
      await page.evaluate(`window.recipe.${player}('${playback[manifest]}')`)
      await playAndSeek(page, SECONDS)
      expect(await page.evaluate('window.recipe.errors')).toEqual([])
      expect(errors).toEqual([])
    })

    it.each(['fragmented mp4', 'mov', 'mkv', 'ts'] satisfies Container[])(
      'plays a file of the container %s as HLS',
      async (container) => {
        const { playback } = await startWithVideo(await repeatTestcard(REPETITIONS, { container }))
        const { page } = await openPage((await serveSite(script)).url)
        await page.evaluate(`window.recipe.playHls('${playback.hls}')`)
        await playAndSeek(page, SECONDS)
        expect(await page.evaluate('window.recipe.errors')).toEqual([])
      },
    )
  })

  it.each([
    ['HLS', 'manifest/video.m3u8'],
    ['the received file', 'video'],
  ])('plays and seeks in a plain <video>: %s', async (_name, path) => {
    const { uid, preview } = await startWithVideo(file)
    const { page, errors } = await openPage((await serveSite('')).url)
    await page.evaluate(`(() => {
      const video = document.createElement('video')
      video.src = '${new URL(`/${uid}/${path}`, preview).href}'
      document.body.append(video)
    })()`)
    await playAndSeek(page, SECONDS)
    expect(errors).toEqual([])
  })

  it('plays and seeks on the player page', async () => {
    const { preview } = await startWithVideo(testcardFile())
    const { page, errors } = await openPage(preview)
    await playAndSeek(page, 6)
    expect(await page.getByRole('status').count()).toBe(0)
    expect(errors).toEqual([])
  })
  it('plays HLS on the player page where the browser does not play the file', async () => {
    const { preview } = await startWithVideo(await repeatTestcard(2, { container: 'ts' }))
    const { page } = await openPage(preview)
    await playAndSeek(page, 12)
    expect(await page.evaluate(`document.querySelector('video').currentSrc`)).toMatch(/m3u8$/)
  })

  it('says on the player page why a video has no HLS', async () => {
    const pcm = new File([writeMp4({ audio: plainVideo })], 'pcm.mp4')
    const { preview } = await startWithVideo(pcm)
    const { page } = await openPage(preview)
    const status = page.getByRole('status')
    await status.waitFor()
    expect(await status.innerText()).toMatch(
      /^The emulator has no HLS and DASH of this video: .*pcm-s16.*\.$/,
    )
  })
})
