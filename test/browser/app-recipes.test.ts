/** Writes, compiles and builds the app of src/graphql/app.md as the page describes, and uses it in a browser. */
import { execFile } from 'node:child_process'
import { link } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcard } from '../kit/media.ts'
import { buildPages } from './kit/build-pages.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'
import {
  type Frontend,
  installClient,
  createFrontend,
  hasNoPackages,
  packagesHint,
} from './kit/frontend.ts'
import { playAndSeek } from './kit/player.ts'
import { readRecipe } from './kit/recipe.ts'
import { serveFiles } from './kit/site.ts'

const PAGE = 'src/graphql/app.md'
const repository = fileURLToPath(new URL('../..', import.meta.url))
const GATEWAY = 'http://127.0.0.1:4000'
const EMULATOR = 'http://127.0.0.1:4001'

/** Runs a script of the page in the app's folder. */
async function shell(folder: string, script: string): Promise<void> {
  const commands = script.replaceAll('/path/to/headgate', repository)
  await promisify(execFile)('sh', ['-e', '-c', commands], { cwd: folder })
}

async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** The row of an upload in the section `Uploads` or `Videos`. */
function row(page: Page, section: string, text: string) {
  return page.getByRole('region', { name: section }).getByRole('listitem').filter({ hasText: text })
}

describeInChromium(`the app${packagesHint}`, () => {
  describe.skipIf(hasNoPackages)('built as the page describes', () => {
    let frontend: Frontend
    let built: Readonly<Record<string, string>>
    beforeAll(async () => {
      frontend = await createFrontend({ 'write-files.mjs': readRecipe(PAGE, 'write-files.mjs') })
      await installClient(frontend)
      const [write = '', generate = '', compile = ''] = readRecipe(PAGE, 'start.sh').split('\n')
      await shell(frontend.folder, write)
      for (const command of [generate, compile]) {
        const [, name = '', ...args] = command.split(' ')
        const { code, stdout, stderr } = await frontend.run(name, ...args)
        if (code !== 0) throw new Error(`${command}: ${stdout}${stderr}`)
      }
      await shell(frontend.folder, readRecipe(PAGE, 'big.sh'))
      await link(join(frontend.folder, 'big.mp4'), join(frontend.folder, 'unwanted.mp4'))
      built = await buildPages(frontend)
    }, 120_000)
    afterAll(() => frontend.remove())

    /** Starts a gateway, and serves the app for it. */
    async function startApp() {
      let gatewayURL = GATEWAY
      const site = await serveFiles(() =>
        Object.fromEntries(
          Object.entries(built).map(([path, text]) => [path, text.replaceAll(GATEWAY, gatewayURL)]),
        ),
      )
      const gateway = await startTestGateway({
        AUTH_JWT_SECRET: TEST_SECRET,
        ALLOWED_ORIGINS: site.origin,
      })
      gatewayURL = gateway.url
      return { site, gateway }
    }

    it('uploads, resumes, cancels, lists and plays for two users', async () => {
      const { site, gateway } = await startApp()
      await shell(
        frontend.folder,
        readRecipe(PAGE, 'slow.sh').replace(EMULATOR, gateway.emulator.url),
      )
      const [ada, grace] = [await openPage(site.url), await openPage(site.url)]
      await signIn(ada.page, await tokenFor('ada'))
      await signIn(grace.page, await tokenFor('grace'))
      const { page } = ada
      const choose = (...names: readonly string[]) =>
        page
          .getByLabel('Choose videos')
          .setInputFiles(
            names.map((name) =>
              name === 'testcard.mp4' ? testcard.path : join(frontend.folder, name),
            ),
          )

      await choose('testcard.mp4', 'big.mp4', 'unwanted.mp4')
      expect(await page.getByLabel('Choose videos').inputValue()).toBe('')
      await row(page, 'Uploads', 'testcard.mp4').getByText('Ready.').waitFor()
      await row(page, 'Videos', 'testcard.mp4 READY').waitFor()
      await row(page, 'Videos', 'big.mp4 UPLOADING').waitFor()
      await row(page, 'Videos', 'unwanted.mp4 UPLOADING').waitFor()

      await page.reload()
      const question = 'choose the file again'
      await row(page, 'Uploads', 'unwanted.mp4').getByText(question).waitFor()
      await row(page, 'Uploads', 'big.mp4').getByText(question).waitFor()
      await row(page, 'Uploads', 'unwanted.mp4').getByRole('button').click()
      await row(page, 'Videos', 'unwanted.mp4').waitFor({ state: 'detached' })
      await row(page, 'Uploads', 'unwanted.mp4').waitFor({ state: 'detached' })

      await choose('unwanted.mp4')
      await row(page, 'Videos', 'unwanted.mp4 UPLOADING').waitFor()
      await row(page, 'Uploads', 'unwanted.mp4').getByRole('button').click()
      await row(page, 'Uploads', 'unwanted.mp4').getByText('The upload was canceled.').waitFor()
      await row(page, 'Videos', 'unwanted.mp4').waitFor({ state: 'detached' })

      await gateway.emulator.clearFaults()
      await choose('big.mp4')
      await row(page, 'Videos', 'big.mp4 READY').waitFor({ timeout: 30_000 })
      expect(await row(page, 'Videos', 'big.mp4').count()).toBe(1)

      await row(page, 'Videos', 'testcard.mp4').getByRole('button', { name: 'Play' }).click()
      await playAndSeek(page, testcard.durationSeconds)
      expect(await row(page, 'Videos', 'READY').count()).toBe(2)
      expect(ada.errors).toEqual([])

      await grace.page.getByText('No videos yet.').waitFor()
      await grace.page.getByLabel('Choose videos').setInputFiles(testcard.path)
      await row(grace.page, 'Videos', 'testcard.mp4 READY').waitFor()
      expect(await row(page, 'Videos', 'testcard.mp4').count()).toBe(1)
      expect(grace.errors).toEqual([])
    })

    it('says at once that the gateway rejects the token', async () => {
      const { site } = await startApp()
      const { page } = await openPage(site.url)
      const token = await tokenFor('ada')
      await signIn(page, token.replace(/[^.]+$/, 'A'.repeat(43)))
      const reason = page.getByText('Socket closed with event 4403')
      // The retries of graphql-ws would take more than 30 s.
      await reason.waitFor({ timeout: 15_000 })
      expect(await reason.textContent()).toContain("The token's signature is invalid")
    })
  })
})
