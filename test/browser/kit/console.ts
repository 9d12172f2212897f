/** Builds the console from its sources and opens it on a new gateway, in a new page. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { CDPSession, Page } from 'playwright-core'
import { build } from 'vite'
import { beforeAll, expect, onTestFinished } from 'vitest'
import { buildOnce } from '../../kit/build-once.ts'
import { type TestGateway, startTestGateway } from '../../kit/gateway.ts'
import { paddedTestcard, testcard } from '../../kit/media.ts'
import { type PageAppearance, type WatchedPage, openPage } from './chromium.ts'

const configFile = fileURLToPath(new URL('../../../src/console/vite.config.ts', import.meta.url))

/** Builds the console before the tests of a file, unless another file has. */
export function useBuiltConsole(): { readonly folder: () => URL } {
  let built = ''
  beforeAll(async () => {
    built = await buildOnce('console', async (outDir) => {
      await build({ configFile, logLevel: 'error', build: { outDir } })
    })
  })
  return { folder: () => pathToFileURL(`${built}/`) }
}

export interface OpenConsole extends WatchedPage {
  readonly gateway: TestGateway
}

/** Starts a gateway with the console and opens the console in a page. */
export async function openConsole(
  folder: URL,
  variables: Readonly<Record<string, string>> = {},
  appearance: PageAppearance = {},
): Promise<OpenConsole> {
  const gateway = await startTestGateway(variables, folder)
  const opened = await openPage(`${gateway.url}/`, appearance)
  return { ...opened, gateway }
}

/** Writes the test card, padded to a size, to disk: its name and date stay the same after a reload. */
export async function videoFile(name: string, sizeBytes?: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-file-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, name)
  await writeFile(
    path,
    sizeBytes === undefined ? testcard.bytes : paddedTestcard(sizeBytes).stream(),
  )
  return path
}

/** Chooses files with the input behind the drop zone's button. */
export function choose(page: Page, ...paths: readonly string[]): Promise<void> {
  return page.setInputFiles('.file-input', [...paths])
}

/** The row of an upload, by its name. */
export function rowOf(page: Page, name: string) {
  return page.locator('.row', { has: page.getByRole('heading', { name, exact: true }) })
}

/** Waits until the row of an upload shows this state. */
export async function waitForState(page: Page, name: string, state: string): Promise<void> {
  await rowOf(page, name).locator('.row-state', { hasText: state }).waitFor()
}

/** Presses Play and waits until the video plays. */
export async function playVideo(page: Page, name: string): Promise<void> {
  await rowOf(page, name)
    .getByRole('button', { name: `Play ${name}` })
    .click()
  await page.waitForFunction(() => {
    const video = document.querySelector('dialog video')
    return video instanceof HTMLVideoElement && video.readyState >= 2 && video.currentTime > 0
  })
  const duration = await page
    .locator('dialog video')
    .evaluate((video) => (video instanceof HTMLVideoElement ? video.duration : 0))
  expect(duration).toBeCloseTo(testcard.durationSeconds, 0)
}

/** One session per page: a limit set by one session cannot be removed by another. */
const networks = new WeakMap<Page, Promise<CDPSession>>()

/** Limits the page's upload rate to so many bytes per second; -1 removes the limit. */
export async function limitUploadRate(page: Page, uploadThroughput: number): Promise<void> {
  const opening = networks.get(page) ?? page.context().newCDPSession(page)
  networks.set(page, opening)
  const network = await opening
  await network.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput,
  })
}

/** Saves a screenshot of the page in the folder HEADGATE_SCREENSHOTS, if that is set. */
export async function saveScreenshot(page: Page, name: string): Promise<void> {
  const folder = process.env['HEADGATE_SCREENSHOTS']
  if (folder === undefined || folder === '') return
  await page.screenshot({ path: join(folder, `console-${name}.png`), fullPage: true })
}
