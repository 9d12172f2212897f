/** Runs tests in an installed Chromium. */
import { existsSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, type Page, chromium } from 'playwright-core'
import { afterAll, describe, onTestFinished } from 'vitest'

/** Path of Chromium: `CHROMIUM_PATH` or a usual location; null when it is not installed. */
const chromiumPath: string | null =
  [
    process.env['CHROMIUM_PATH'],
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ]
    .filter((path) => path !== undefined)
    .find((path) => existsSync(path)) ?? null

/** A suite that needs Chromium. Without it, the suite is skipped and its name says how to install it. */
export function describeInChromium(name: string, suite: () => void): void {
  const isMissing = chromiumPath === null
  const hint = ': Chromium not found (apt-get install chromium, or set CHROMIUM_PATH)'
  // A browser is slow on a busy machine.
  const options = { timeout: 60_000 }
  describe.skipIf(isMissing)(`${name}${isMissing ? hint : ''}`, options, () => {
    afterAll(closeBrowser)
    suite()
  })
}

let browser: Promise<Browser> | null = null

/** Starts one browser per test file; each page has its own context. */
function launch(): Promise<Browser> {
  if (chromiumPath === null) throw new Error('Chromium not found.')
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

/** A page, with its errors and the origins of its requests. */
export interface WatchedPage {
  readonly page: Page
  /** Uncaught errors and console errors, which include content security policy violations. */
  readonly errors: readonly string[]
  /** Origins to which the page sent requests. */
  readonly origins: ReadonlySet<string>
}

/** Viewport size and color scheme of a page. */
export type PageAppearance = Pick<BrowserContextOptions, 'viewport' | 'colorScheme'>

/** Opens a page in a new browser context, which shares no state with other pages. */
export async function openPage(url: string, appearance: PageAppearance = {}): Promise<WatchedPage> {
  const context = await (await launch()).newContext(appearance)
  onTestFinished(() => context.close())
  const page = await context.newPage()
  // Shorter than the test's timeout, so that the error names the failed step.
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
