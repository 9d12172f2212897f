/** A real browser for tests: Debian's Chromium, where there is one. */
import { existsSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, type Page, chromium } from 'playwright-core'
import { afterAll, describe, onTestFinished } from 'vitest'

/** Where Chromium is, by `CHROMIUM_PATH` or in its usual places; null where there is none. */
const chromiumPath: string | null =
  [
    process.env['CHROMIUM_PATH'],
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ]
    .filter((path) => path !== undefined)
    .find((path) => existsSync(path)) ?? null

/** A suite that needs Chromium: where there is none, its name says how to get one. */
export function describeInChromium(name: string, suite: () => void): void {
  const isMissing = chromiumPath === null
  const hint = ': no Chromium here (apt-get install chromium, or set CHROMIUM_PATH)'
  // A browser takes its time on a busy machine.
  const options = { timeout: 60_000 }
  describe.skipIf(isMissing)(`${name}${isMissing ? hint : ''}`, options, () => {
    afterAll(closeBrowser)
    suite()
  })
}

let browser: Promise<Browser> | null = null

/** One browser a file; its pages are apart. */
function launch(): Promise<Browser> {
  if (chromiumPath === null) throw new Error('There is no Chromium.')
  browser ??= chromium.launch({
    executablePath: chromiumPath,
    // Containers run tests as root and with a small /dev/shm.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  })
  return browser
}

async function closeBrowser(): Promise<void> {
  await (await browser)?.close()
  browser = null
}

/** A page, and everything that went wrong on it. */
export interface WatchedPage {
  readonly page: Page
  /** Uncaught errors, errors on the console (among them violations of the content policy). */
  readonly errors: readonly string[]
  /** Where its requests went, as origins. */
  readonly origins: ReadonlySet<string>
}

/** The looks of a page: its size, light or dark. */
export type PageLooks = Pick<BrowserContextOptions, 'viewport' | 'colorScheme'>

/** Opens a page of a user of its own: nothing is shared with other pages. */
export async function openPage(url: string, looks: PageLooks = {}): Promise<WatchedPage> {
  const context = await (await launch()).newContext(looks)
  onTestFinished(() => context.close())
  const page = await context.newPage()
  // Shorter than a test may take, so that the step which failed is named.
  page.setDefaultTimeout(10_000)
  const errors: string[] = []
  const origins = new Set<string>()
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url())
    if (/^(?:https?|wss?):$/.test(protocol)) origins.add(origin)
  })
  await page.goto(url)
  return { page, errors, origins }
}
