/** Accessibility of the console: keyboard, phone, light and dark, screen reader. */
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { violationsOf } from './kit/axe.ts'
import { describeInChromium } from './kit/chromium.ts'
import {
  choose,
  openConsole,
  saveScreenshot,
  rowOf,
  playVideo,
  waitForState,
  limitUploadRate,
  useBuiltConsole,
  videoFile,
} from './kit/console.ts'

const DESKTOP = { width: 1280, height: 900 }
const PHONE = { width: 390, height: 844 }

/** Expects no violation and no horizontal overflow of the current page, in both color schemes. */
async function expectAccess(page: Page, state: string): Promise<void> {
  const width = page.viewportSize()?.width ?? 0
  for (const colorScheme of ['light', 'dark'] as const) {
    // Without transitions, axe would otherwise measure colors that are still changing.
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await saveScreenshot(page, `${colorScheme}-${width}-${state}`)
    expect(await violationsOf(page), `${state}, ${colorScheme} at ${width}`).toEqual([])
  }
  const needed = await page.evaluate(() => document.documentElement.scrollWidth)
  expect(needed).toBeLessThanOrEqual(width)
}

describeInChromium('accessibility of the console', () => {
  const built = useBuiltConsole()

  it.each([DESKTOP, PHONE])(
    'has no violation, light and dark, at width $width',
    async (viewport) => {
      const quota = { CREATOR_QUOTA_MINUTES: '20' }
      const { page, errors } = await openConsole(built.folder(), quota, { viewport })
      const lake = await videoFile('Lake at dawn.mp4')
      const speech = await videoFile('Speech.mp4')
      const hike = await videoFile('A long hike over the ridge.mp4', 40_000_000)
      await page.getByText('No uploads yet.').waitFor()
      await expectAccess(page, 'empty')

      await choose(page, lake)
      await waitForState(page, 'Lake at dawn.mp4', 'Ready')
      await page.getByLabel('Longest video').fill('0.05')
      await choose(page, speech)
      await waitForState(page, 'Speech.mp4', 'Failed')
      await page.getByLabel('Longest video').fill('')
      await page.getByLabel('My connection may break').check()
      await limitUploadRate(page, 3_000_000)
      await choose(page, hike)
      await rowOf(page, 'A long hike over the ridge.mp4').getByText('left').waitFor()
      await expectAccess(page, 'all')

      await page.getByRole('button', { name: 'Delete Lake at dawn.mp4' }).click()
      await expectAccess(page, 'confirm')
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: 'Edit Lake at dawn.mp4' }).click()
      await page.getByAltText('Present poster').waitFor()
      await expectAccess(page, 'edit')
      await page.getByLabel('Name').fill('Lake at dusk.mp4')
      await page.getByRole('dialog').getByLabel('Private').check()
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: 'Undo the change of Lake at dusk.mp4' }).waitFor()
      await expectAccess(page, 'undo')
      await playVideo(page, 'Lake at dusk.mp4')
      await expectAccess(page, 'playing')
      expect(errors).toEqual([])
    },
  )

  it('can be used by keyboard alone', async () => {
    const { page, errors } = await openConsole(built.folder())
    const path = await videoFile('tour.mp4', 20_000_000)
    const chooser = page.waitForEvent('filechooser')
    await page.getByText('No uploads yet.').waitFor()
    const focused = () =>
      page.evaluate(() => {
        const { activeElement } = document
        return activeElement instanceof HTMLButtonElement ? activeElement.innerText : ''
      })
    for (let tabs = 0; !(await focused()).includes('Drop videos here'); tabs += 1) {
      expect(tabs).toBeLessThan(10)
      await page.keyboard.press('Tab')
    }
    await limitUploadRate(page, 4_000_000)
    await page.keyboard.press('Enter')
    await (await chooser).setFiles(path)
    await waitForState(page, 'tour.mp4', 'Uploading')

    const focusedLabel = () =>
      page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? '')
    for (let tabs = 0; (await focusedLabel()) !== 'Pause tour.mp4'; tabs += 1) {
      expect(tabs).toBeLessThan(20)
      await page.keyboard.press('Tab')
    }
    await page.keyboard.press('Enter')
    await waitForState(page, 'tour.mp4', 'Paused')
    // The live region is updated after the row.
    await expect.poll(() => page.getByRole('status').innerText()).toBe('tour.mp4: Paused')
    // The focus stays on the button, which now resumes the upload.
    expect(await focusedLabel()).toBe('Resume tour.mp4')
    await limitUploadRate(page, -1)
    await page.keyboard.press('Enter')
    await waitForState(page, 'tour.mp4', 'Ready')
    await expect.poll(() => page.getByRole('status').innerText()).toBe('tour.mp4: Ready')
    expect(errors).toEqual([])
  })
})
