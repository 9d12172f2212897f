/** Serves the page of src/client/without-bundler.md and the built package as static files, and uploads. */
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestGateway } from '../kit/gateway.ts'
import { testcard, textFile } from '../kit/media.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'
import { type Frontend, installClient, createFrontend } from './kit/frontend.ts'
import { readRecipe } from './kit/recipe.ts'
import { serveFiles } from './kit/site.ts'

const PACKAGE = 'node_modules/@headgate/client/dist'
const GATEWAY = 'http://127.0.0.1:4000'

let frontend: Frontend
beforeAll(async () => {
  frontend = await createFrontend()
  await installClient(frontend)
})
afterAll(() => frontend.remove())

describeInChromium('a page without a bundler', () => {
  it('uploads a file with the modules of the package', async () => {
    const names = await readdir(join(frontend.folder, PACKAGE), { recursive: true })
    const modules: Record<string, string> = {}
    for (const name of names.filter((path) => path.endsWith('.js'))) {
      const text = await readFile(join(frontend.folder, PACKAGE, name), 'utf8')
      modules[`/${PACKAGE}/${name}`] = text
    }
    let page = ''
    const site = await serveFiles(() => ({ ...modules, '/': page }))
    const gateway = await startTestGateway({ ALLOWED_ORIGINS: site.origin })
    page = readRecipe('src/client/without-bundler.md', 'index.html').replace(GATEWAY, gateway.url)

    const opened = await openPage(site.url)
    const output = opened.page.locator('output')
    await opened.page.setInputFiles('input', testcard.path)
    await output.filter({ hasText: /^6 s: http.*\.m3u8$/ }).waitFor()
    expect(await opened.page.evaluate("document.querySelector('progress').value")).toBe(1)
    const { name, type } = textFile()
    const buffer = Buffer.from(await textFile().arrayBuffer())
    await opened.page.setInputFiles('input', { name, mimeType: type, buffer })
    await output.filter({ hasText: 'Stream could not process the file.' }).waitFor()
    expect(opened.errors).toEqual([])
    expect([...opened.origins].toSorted()).toEqual(
      [site.origin, gateway.url, gateway.emulator.url].toSorted(),
    )
  })
})
