/** Runs the section "Play it" of src/graphql/recipes.md in a browser, from another origin than the emulator's. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startTestGateway } from '../kit/gateway.ts'
import { testcard, testcardFile } from '../kit/media.ts'
import { plainVideo, writeMp4 } from '../kit/mp4.ts'
import { createDirectUpload, expectMinted, postFile, watchToEnd } from '../kit/operations.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'
import { type Frontend, createFrontend, hasNoPackages, packagesHint } from './kit/frontend.ts'
import { playAndSeek } from './kit/player.ts'
import { readRecipe } from './kit/recipe.ts'
import { bundleSite, serveSite } from './kit/site.ts'

const PAGE = 'src/graphql/recipes.md'

/** Creates the recipe's element and plays in it; `start` returns the error of a video that does not play. */
const DRIVER = /* js */ `
  import { play } from 'virtual:recipe.js'
  let end
  export const start = ({ tag, video }) => new Promise((resolve) => {
    const element = document.createElement(tag)
    element.className = 'video-js'
    document.body.append(element)
    end = play(element, video, ({ message }) => resolve(message))
    element.addEventListener('loadedmetadata', () => resolve(null))
    if (tag === 'div') resolve(null)
  })
  export const stop = () => end()
`

const played = z.object({
  upload: z.object({
    video: z.object({
      hlsURL: z.url(),
      dashURL: z.url(),
      previewURL: z.url(),
      thumbnailURL: z.url(),
    }),
  }),
})

async function startWithUpload(file: File) {
  const caller = (await startTestGateway()).as()
  const { uid, uploadURL } = expectMinted(await createDirectUpload(caller))
  expect((await postFile(uploadURL, file)).status).toBe(200)
  await watchToEnd(caller, uid)
  const { upload } = await caller.request(played, readRecipe(PAGE, 'play.graphql'), { uid })
  return upload.video
}

describeInChromium(`the recipes to play a video${packagesHint}`, () => {
  describe.skipIf(hasNoPackages).each([
    ['hls.js', 'src/play-hls.ts', 'video'],
    ['Video.js', 'src/play-videojs.ts', 'video'],
    ["Stream's player", 'src/play-iframe.ts', 'div'],
  ])('%s', (_name, recipe, tag) => {
    let frontend: Frontend
    let script = ''
    beforeAll(async () => {
      frontend = await createFrontend({ [recipe]: readRecipe(PAGE, recipe) })
      script = await bundleSite(`export * from '/${recipe}'`, {
        folder: frontend.folder,
        driver: DRIVER,
      })
    }, 30_000)
    afterAll(() => frontend.remove())

    it('plays, seeks and ends', async () => {
      const video = await startWithUpload(testcardFile())
      const { page, errors } = await openPage((await serveSite(script)).url)
      const argument = JSON.stringify({ tag, video })
      expect(await page.evaluate(`window.recipe.start(${argument})`)).toBe(null)
      if (tag === 'div') {
        const frame = await (await page.waitForSelector('iframe')).contentFrame()
        if (frame === null) throw new Error('The frame has no page.')
        await playAndSeek(frame, testcard.durationSeconds)
      } else {
        await playAndSeek(page, testcard.durationSeconds)
      }
      await page.evaluate('window.recipe.stop()')
      expect(await page.locator('iframe, .vjs-tech').count()).toBe(0)
      expect(errors).toEqual([])
    })
  })

  describe.skipIf(hasNoPackages)('hls.js', () => {
    it('reports that the emulator has no HLS of a file', async () => {
      const name = 'src/play-hls.ts'
      const frontend = await createFrontend({ [name]: readRecipe(PAGE, name) })
      const script = await bundleSite(`export * from '/${name}'`, {
        folder: frontend.folder,
        driver: DRIVER,
      })
      await frontend.remove()
      const pcm = new File([writeMp4({ audio: plainVideo })], 'pcm.mp4')
      const video = await startWithUpload(pcm)
      const { page } = await openPage((await serveSite(script)).url)
      const argument = JSON.stringify({ tag: 'video', video })
      const error = z.string().parse(await page.evaluate(`window.recipe.start(${argument})`))
      expect(error).toBe('manifestLoadError: 415')
    })
  })
})
