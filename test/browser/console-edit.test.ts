/** Private videos, and changes of uploads, in the console. */
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'
import { expectUpdated, readUpload, updateUpload } from '../kit/update-upload.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'
import {
  choose,
  openConsole,
  playVideo,
  rowOf,
  saveScreenshot,
  useBuiltConsole,
  videoFile,
  waitForState,
} from './kit/console.ts'

const form = (page: Page) => page.getByRole('dialog', { name: 'Edit upload' })

async function openForm(page: Page, name: string) {
  await page.getByRole('button', { name: `Edit ${name}` }).click()
  await form(page).waitFor()
}

async function save(page: Page): Promise<void> {
  await form(page).getByRole('button', { name: 'Save' }).click()
  await form(page).waitFor({ state: 'detached' })
}

/** Returns the SVG that the emulator draws at this address. */
async function picture(url: string): Promise<string> {
  return (await fetch(url)).text()
}

/** Waits until the row shows a picture, and returns its address. */
async function posterOf(page: Page, name: string): Promise<string> {
  const image = rowOf(page, name).locator('.thumbnail img')
  await expect
    .poll(() =>
      image.evaluate((element) => (element instanceof HTMLImageElement ? element.naturalWidth : 0)),
    )
    .toBeGreaterThan(0)
  return (await image.getAttribute('src')) ?? ''
}

describeInChromium('the console', () => {
  const built = useBuiltConsole()

  it('plays a private video, renames it with undo, and publishes it; another tab follows', async () => {
    const { page, gateway, errors, origins } = await openConsole(built.folder())
    const other = await openPage(`${gateway.url}/`)
    await page.getByText('No uploads yet.').waitFor()
    await page.getByLabel('Private').check()
    await choose(page, await videoFile('lake.mp4'))
    await waitForState(page, 'lake.mp4', 'Ready')
    await rowOf(page, 'lake.mp4').getByText('Private').waitFor()
    const [video] = (await gateway.emulator.state()).videos
    const uid = video?.uid ?? ''
    const upload = () => readUpload(gateway.as(), uid)
    expect((await upload()).constraints.requireSignedURLs).toBe(true)

    expect(new URL(await posterOf(page, 'lake.mp4')).pathname).toMatch(
      /^\/[\w-]+\.[\w-]+\.[\w-]+\//,
    )
    await playVideo(page, 'lake.mp4')
    const source = (await page.locator('dialog video').getAttribute('src')) ?? ''
    expect(source).not.toContain(uid)
    await page.keyboard.press('Escape')
    await saveScreenshot(page, 'private')

    await openForm(page, 'lake.mp4')
    await form(page).getByLabel('Name').fill('Lake at dawn')
    await page.keyboard.press('Enter')
    await rowOf(page, 'Lake at dawn').waitFor()
    await rowOf(other.page, 'Lake at dawn').waitFor()
    await expect
      .poll(() => page.getByRole('status').innerText())
      .toBe('Lake at dawn: changes saved')
    await page.getByRole('button', { name: 'Undo the change of Lake at dawn' }).click()
    await rowOf(page, 'lake.mp4').waitFor()
    await rowOf(other.page, 'lake.mp4').waitFor()
    expect(await page.getByRole('button', { name: 'Undo' }).count()).toBe(0)
    expect((await upload()).name).toBe('lake.mp4')

    await openForm(page, 'lake.mp4')
    await form(page).getByLabel('Private').uncheck()
    await save(page)
    await rowOf(page, 'lake.mp4').getByText('Public').waitFor()
    await rowOf(other.page, 'lake.mp4').getByText('Public').waitFor()
    expect((await upload()).constraints.requireSignedURLs).toBe(false)
    expect(await posterOf(other.page, 'lake.mp4')).toContain(uid)
    await playVideo(other.page, 'lake.mp4')
    await page.getByRole('button', { name: 'Undo the change of lake.mp4' }).click()
    await rowOf(other.page, 'lake.mp4').getByText('Private').waitFor()
    expect([...origins].toSorted()).toEqual([gateway.url, gateway.emulator.url].toSorted())
    expect([...errors, ...other.errors]).toEqual([])
  })

  it('chooses the poster of a video', async () => {
    const { page, gateway, errors } = await openConsole(built.folder())
    await choose(page, await videoFile('lake.mp4'))
    await waitForState(page, 'lake.mp4', 'Ready')
    const before = await posterOf(page, 'lake.mp4')
    await openForm(page, 'lake.mp4')
    const slider = form(page).getByLabel('Poster', { exact: true })
    await slider.fill('0.5')
    await form(page).getByAltText('Poster at 3 s').waitFor()
    await saveScreenshot(page, 'edit')
    const preview = (await form(page).locator('img').getAttribute('src')) ?? ''
    expect((await fetch(preview)).status).toBe(200)
    expect(await picture(before)).toContain('0.0 of 6.0 s')
    await save(page)
    expect(await picture(before)).toContain('3.0 of 6.0 s')
    expect(await picture(await posterOf(page, 'lake.mp4'))).toContain('3.0 of 6.0 s')
    expect((await gateway.emulator.state()).requests['update']).toBe(1)
    expect(errors).toEqual([])
  })

  it('reports a change from elsewhere, keeps it, and then applies its own', async () => {
    const { page, gateway, errors } = await openConsole(built.folder())
    const caller = gateway.as()
    const { uid } = expectMinted(await createDirectUpload(caller, { name: 'draft' }))
    await waitForState(page, 'draft', 'Not received yet')
    await openForm(page, 'draft')
    await form(page).getByLabel('Private').check()
    expectUpdated(await updateUpload(caller, { uid, name: 'final' }))
    await rowOf(page, 'final').waitFor()
    await form(page).getByRole('button', { name: 'Save' }).click()
    await form(page)
      .getByRole('alert')
      .getByText('changed elsewhere since you opened it: its name is now “final”.')
      .waitFor()
    expect(await form(page).getByLabel('Name').inputValue()).toBe('final')
    expect((await readUpload(caller, uid)).constraints.requireSignedURLs).toBe(false)
    await save(page)
    expect(await readUpload(caller, uid)).toMatchObject({
      name: 'final',
      constraints: { requireSignedURLs: true },
    })
    expect(errors).toEqual([])
  })

  it('extends the URL of an upload, and then deletes the upload', async () => {
    const { page, gateway, errors } = await openConsole(built.folder())
    const caller = gateway.as()
    const { uid } = expectMinted(await createDirectUpload(caller, { name: 'From a phone' }))
    const before = Date.parse((await readUpload(caller, uid)).expiresAt)
    await waitForState(page, 'From a phone', 'Not received yet')
    await openForm(page, 'From a phone')
    await form(page).getByLabel('Upload URL expires').selectOption('2 hours from now')
    await save(page)
    const after = Date.parse((await readUpload(caller, uid)).expiresAt)
    expect((after - before) / 60_000).toBeCloseTo(90, -1)
    await page.getByRole('button', { name: 'Delete From a phone' }).click()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByText('No uploads yet.').waitFor()
    await expect.poll(async () => (await gateway.emulator.state()).videos).toEqual([])
    expect(errors).toEqual([])
  })

  it('says that a video cannot be played', async () => {
    const { page, gateway } = await openConsole(built.folder())
    await choose(page, await videoFile('lake.mp4'))
    await waitForState(page, 'lake.mp4', 'Ready')
    await page.route(`${gateway.url}/graphql`, (route) =>
      route.fulfill({ json: { data: { outcome: null } } }),
    )
    await page.getByRole('button', { name: 'Play lake.mp4' }).click()
    await page.getByRole('alert').getByText('This video cannot be played now.').waitFor()
    expect(await page.locator('dialog video').count()).toBe(0)
  })

  it('says why a change was not saved', async () => {
    const { page, gateway } = await openConsole(built.folder())
    expectMinted(await createDirectUpload(gateway.as(), { name: 'draft' }))
    await waitForState(page, 'draft', 'Not received yet')
    await openForm(page, 'draft')
    await gateway.emulator.fault({ on: 'update', status: 400, times: 5 })
    await form(page).getByLabel('Name').fill('final')
    await form(page).getByRole('button', { name: 'Save' }).click()
    await form(page).getByRole('alert').getByText('Nothing was changed.').waitFor()
    await page.keyboard.press('Escape')
    await form(page).waitFor({ state: 'detached' })
    await rowOf(page, 'draft').waitFor()
    const focused = await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))
    expect(focused).toBe('Edit draft')
  })

  it('edits by keyboard alone', async () => {
    const { page, errors } = await openConsole(built.folder())
    await choose(page, await videoFile('tour.mp4'))
    await waitForState(page, 'tour.mp4', 'Ready')
    const focused = () =>
      page.evaluate(() => {
        const { activeElement: element } = document
        const label = element instanceof HTMLInputElement ? element.labels?.[0]?.innerText : null
        return element?.getAttribute('aria-label') ?? label ?? element?.textContent?.trim() ?? ''
      })
    const tabTo = async (label: string): Promise<void> => {
      for (let tabs = 0; !(await focused()).startsWith(label); tabs += 1) {
        if (tabs === 25) throw new Error(`Tab does not reach “${label}”.`)
        await page.keyboard.press('Tab')
      }
    }
    await tabTo('Edit tour.mp4')
    await page.keyboard.press('Enter')
    await expect.poll(focused).toBe('Name')
    await page.keyboard.press('Control+A')
    await page.keyboard.type('A tour')
    await tabTo('Private')
    await page.keyboard.press('Space')
    await tabTo('Poster')
    await page.keyboard.press('ArrowRight')
    await tabTo('Save')
    await page.keyboard.press('Enter')
    await rowOf(page, 'A tour').getByText('Private').waitFor()
    await expect.poll(focused).toBe('Edit A tour')
    await tabTo('Undo')
    await page.keyboard.press('Enter')
    await rowOf(page, 'tour.mp4').getByText('Public').waitFor()
    await expect.poll(focused).toBe('Edit tour.mp4')
    await expect.poll(() => page.getByRole('status').innerText()).toBe('A tour: change undone')
    expect(errors).toEqual([])
  })
})
