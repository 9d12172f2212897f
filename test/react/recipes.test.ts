/** Compiles, builds and uses the recipes of src/react/README.md as they stand, in Chromium. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildPages } from '../browser/kit/build-pages.ts'
import { describeInChromium, openPage } from '../browser/kit/chromium.ts'
import { videoFile } from '../browser/kit/console.ts'
import {
  type Frontend,
  installClient,
  createFrontend,
  hasNoPackages,
  packagesHint,
} from '../browser/kit/frontend.ts'
import { playAndSeek } from '../browser/kit/player.ts'
import { readRecipe } from '../browser/kit/recipe.ts'
import { serveFiles } from '../browser/kit/site.ts'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcard } from '../kit/media.ts'

const PAGE = 'src/react/README.md'
const FILES = ['index.html', 'tsconfig.json', 'src/main.tsx', 'src/page.tsx']
const GATEWAY = 'http://127.0.0.1:4000'

/** Serves a built site with a gateway for its origin. */
async function open(
  built: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>>,
) {
  let gatewayURL = GATEWAY
  const site = await serveFiles(() =>
    Object.fromEntries(
      Object.entries(built).map(([path, text]) => [path, text.replaceAll(GATEWAY, gatewayURL)]),
    ),
  )
  const gateway = await startTestGateway({ ALLOWED_ORIGINS: site.origin, ...variables })
  gatewayURL = gateway.url
  return { gateway, ...(await openPage(site.url)) }
}

/** The row of a file or a video in the section `Uploads` or `Videos`. */
function row(page: Page, section: string, text: string) {
  return page.getByRole('region', { name: section }).getByRole('listitem').filter({ hasText: text })
}

describe.skipIf(hasNoPackages)(`the recipes for React${packagesHint}`, () => {
  let frontend: Frontend
  beforeAll(async () => {
    frontend = await createFrontend(
      Object.fromEntries(FILES.map((name) => [name, readRecipe(PAGE, name)])),
    )
    await installClient(frontend)
  }, 60_000)
  afterAll(() => frontend.remove())

  it('have ten lines, and compile under strict options', async () => {
    const lines = readRecipe(PAGE, 'src/main.tsx').split('\n')
    expect(lines.filter((line) => line.trim() !== '')).toHaveLength(10)
    const { code, stdout } = await frontend.run('tsc')
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
  })

  describeInChromium('in Chromium', () => {
    it('upload files until they are ready', async () => {
      const { page, errors } = await open(await buildPages(frontend), {})
      await page.setInputFiles('input', [testcard.path, await videoFile('second.mp4')])
      await page.getByRole('listitem').filter({ hasText: 'testcard.mp4: ready' }).waitFor()
      await page.getByRole('listitem').filter({ hasText: 'second.mp4: ready' }).waitFor()
      expect(errors).toEqual([])
    })

    it('upload, list, play and delete private videos', async () => {
      const index = readRecipe(PAGE, 'index.html').replace('/src/main.tsx', '/src/page.tsx')
      await frontend.write('index.html', index)
      const { page, errors } = await open(await buildPages(frontend), {
        AUTH_JWT_SECRET: TEST_SECRET,
      })
      const token = JSON.stringify(await tokenFor('ada'))
      await page.evaluate(`sessionStorage.setItem('token', ${token})`)
      await page.reload()
      // The request without a token was rejected.
      const before = errors.length
      await page.getByLabel('Drop videos here').setInputFiles([testcard.path, PAGE])
      await row(page, 'Uploads', 'testcard.mp4').getByText('Ready').waitFor()
      await row(page, 'Uploads', 'README.md').getByText('This is no video that plays').waitFor()
      await row(page, 'Uploads', 'README.md').getByRole('button', { name: 'Cancel' }).click()
      await row(page, 'Uploads', 'README.md').waitFor({ state: 'detached' })
      await row(page, 'Videos', 'README.md').waitFor({ state: 'detached' })
      await row(page, 'Videos', 'testcard.mp4 READY').getByRole('button', { name: 'Play' }).click()
      const frame = await (await page.locator('iframe').elementHandle())?.contentFrame()
      if (frame === null || frame === undefined) throw new Error('The player has no frame.')
      await playAndSeek(frame, testcard.durationSeconds)
      // Requests of the player fail when its video is deleted.
      expect(errors.slice(before)).toEqual([])
      await row(page, 'Videos', 'testcard.mp4').getByRole('button', { name: 'Delete' }).click()
      await row(page, 'Videos', 'testcard.mp4').waitFor({ state: 'detached' })
      await page.getByText('This video cannot be played.').waitFor()
    })
  })
})
