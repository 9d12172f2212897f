/** Plays a private video for ten hours of the clock in Chromium: the recipe for hls.js and `client.playback`. */
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { describeInChromium, openPage } from '../browser/kit/chromium.ts'
import {
  installClient,
  createFrontend,
  hasNoPackages,
  packagesHint,
} from '../browser/kit/frontend.ts'
import { readRecipe } from '../browser/kit/recipe.ts'
import { bundleSite, serveSite } from '../browser/kit/site.ts'
import { startTestGateway } from '../kit/gateway.ts'
import { repeatTestcard } from '../kit/long-video.ts'
import { createDirectUpload, expectMinted, postFile, watchToEnd } from '../kit/operations.ts'

/** Ten hours, in steps of half of an address's life. */
const STEPS = 20
const STEP_SECONDS = 1800
/** Seconds of the video that are played in each step; a segment has six. */
const PLAYED_SECONDS = 2
/** 60 seconds. */
const REPETITIONS = 10

const RECIPE = 'src/play-private-hls.ts'

/** Plays with the recipe, and records what happens. The test moves the page's clock. */
const PLAYER = /* js */ `
  import { createUploadClient } from '@headgate/client'
  import { playPrivate } from '/${RECIPE}'

  let advancedMs = 0
  const waiters = new Set()
  const clock = {
    now: () => new Date(Date.now() + advancedMs),
    wait: (ms, signal) => new Promise((resolve) => {
      const waiter = { until: clock.now().getTime() + ms, resolve }
      waiters.add(waiter)
      signal?.addEventListener('abort', resolve)
    }),
  }
  export function advance(seconds) {
    advancedMs += seconds * 1000
    for (const waiter of waiters) {
      if (waiter.until > clock.now().getTime()) continue
      waiters.delete(waiter)
      waiter.resolve()
    }
  }

  export const played = { tokens: [], errors: [], stops: [] }
  export let stop
  export function play(url, uid) {
    const video = document.createElement('video')
    video.muted = true
    // Loading resets the playback rate to it.
    video.defaultPlaybackRate = 4
    document.body.append(video)
    for (const event of ['pause', 'emptied', 'ended', 'error'])
      video.addEventListener(event, () => played.stops.push(event))
    video.addEventListener('loadedmetadata', () => video.play())

    const client = createUploadClient({ url, clock })
    const recorded = {
      async *playback(...args) {
        for await (const playback of client.playback(...args)) {
          played.tokens.push(playback.token)
          yield playback
        }
      },
    }
    stop = playPrivate(video, recorded, uid, {
      onError: (error) => played.errors.push(String(error)),
      // Otherwise the whole video is loaded with the first token.
      settings: { maxBufferLength: 6, maxMaxBufferLength: 6 },
    })
  }
`

const played = z.object({
  tokens: z.array(z.string()),
  errors: z.array(z.string()),
  stops: z.array(z.string()),
})

/** Waits until the video has played to this second. */
async function waitForSecond(page: Page, second: number): Promise<void> {
  await page.waitForFunction(`document.querySelector('video')?.currentTime >= ${second}`)
}

describeInChromium(`client.playback with hls.js${packagesHint}`, () => {
  describe.skipIf(hasNoPackages)('in a page', () => {
    let file: File
    let script = ''

    beforeAll(async () => {
      file = await repeatTestcard(REPETITIONS)
      const frontend = await createFrontend({
        [RECIPE]: readRecipe('src/graphql/recipes.md', RECIPE),
      })
      await installClient(frontend)
      script = await bundleSite(PLAYER, { folder: frontend.folder })
      await frontend.remove()
    }, 60_000)

    it('plays a private video for ten hours without a stop', { timeout: 120_000 }, async () => {
      const site = await serveSite(script)
      const gateway = await startTestGateway({
        EMULATOR_ENCODE_MS: '0',
        ALLOWED_ORIGINS: site.origin,
      })
      const caller = gateway.as()
      const { uid, uploadURL } = expectMinted(
        await createDirectUpload(caller, { requireSignedURLs: true, maxDurationSeconds: 600 }),
      )
      await postFile(uploadURL, file)
      expect((await watchToEnd(caller, uid)).at(-1)?.status).toBe('READY')

      const { page, errors } = await openPage(site.url)
      const segments: { readonly url: string; readonly status: number }[] = []
      page.on('response', (response) => {
        const url = response.url()
        if (url.startsWith(gateway.emulator.url)) segments.push({ url, status: response.status() })
      })
      await page.evaluate(`void window.recipe.play('${gateway.url}/graphql', '${uid}')`)
      await waitForSecond(page, 1)
      for (let step = 1; step <= STEPS; step += 1) {
        await gateway.emulator.advanceClock(STEP_SECONDS)
        gateway.clock.advance(STEP_SECONDS)
        await page.evaluate(`window.recipe.advance(${STEP_SECONDS})`)
        await page.waitForFunction(`window.recipe.played.tokens.length === ${1 + step}`)
        await waitForSecond(page, step * PLAYED_SECONDS)
      }

      const { tokens, ...rest } = played.parse(await page.evaluate('window.recipe.played'))
      expect(rest).toEqual({ errors: [], stops: [] })
      expect(new Set(tokens).size).toBe(1 + STEPS)
      expect(segments.filter(({ status }) => status >= 400)).toEqual([])
      const used = tokens.filter((token) => segments.some(({ url }) => url.includes(token)))
      expect(used.length).toBeGreaterThan(STEPS / 4)
      await page.evaluate('window.recipe.stop()')
      expect(played.parse(await page.evaluate('window.recipe.played')).errors).toEqual([])
      expect(errors).toEqual([])
    })
  })
})
