/** The console for a guest with an upload link: `/#token=JWT`. */
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { violationsOf } from './kit/axe.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'
import {
  choose,
  rowOf,
  saveScreenshot,
  useBuiltConsole,
  videoFile,
  waitForState,
} from './kit/console.ts'

const DESKTOP = { width: 1280, height: 900 }
const PHONE = { width: 390, height: 844 }

let links = 0

/** Returns a token for an upload link with these limits. */
function guestToken(headgate: object): Promise<string> {
  links += 1
  return tokenFor('guest-7', { jti: `link-${links}`, headgate })
}

function leftIn(page: Page) {
  return page.getByRole('region', { name: 'What is left' })
}

function signedInAs(page: Page, user: string) {
  return page.getByRole('banner').getByText(`Signed in as ${user}`)
}

describeInChromium('an upload link', () => {
  const built = useBuiltConsole()

  async function openLink(token: string, viewport = DESKTOP) {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET }, built.folder())
    const opened = await openPage(`${gateway.url}/#token=${token}`, { viewport })
    return { ...opened, gateway }
  }

  it('uploads as many videos as it allows, and shows how many are left', async () => {
    const token = await guestToken({ maxUploads: 2 })
    const { page, gateway, errors } = await openLink(token)
    await leftIn(page).getByText('2 uploads with this link').waitFor()
    await choose(page, await videoFile('one.mp4'))
    await waitForState(page, 'one.mp4', 'Ready')
    await leftIn(page).getByText('1 upload with this link').waitFor()
    await choose(page, await videoFile('two.mp4'))
    await waitForState(page, 'two.mp4', 'Ready')
    await leftIn(page).getByText('0 uploads with this link').waitFor()
    await choose(page, await videoFile('three.mp4'))
    await waitForState(page, 'three.mp4', 'Failed')
    await rowOf(page, 'three.mp4').getByText('No uploads are left.').waitFor()
    expect((await gateway.emulator.state()).requests).toMatchObject({ direct_upload: 2, upload: 2 })
    expect(errors).toEqual([])
  })

  it('leaves its token in no address, and keeps it over a reload', async () => {
    const token = await guestToken({ maxUploads: 2 })
    const { page, gateway } = await openLink(token)
    const requested: string[] = []
    page.on('request', (request) => {
      requested.push(request.url(), request.headers()['referer'] ?? '')
    })
    await leftIn(page).waitFor()
    expect(page.url()).toBe(`${gateway.url}/`)
    await page.reload()
    await leftIn(page).getByText('2 uploads with this link').waitFor()
    expect(requested.length).toBeGreaterThan(0)
    expect(requested.filter((url) => url.includes(token))).toEqual([])
    expect(JSON.stringify(gateway.logs)).not.toContain(token)
    // Another link in the same tab changes only the fragment.
    const other = await guestToken({ maxUploads: 1 })
    await page.evaluate((fragment) => location.assign(fragment), `#token=${other}`)
    await leftIn(page).getByText('1 upload with this link').waitFor()
    expect(page.url()).toBe(`${gateway.url}/`)
    await page.goBack()
    expect(page.url()).not.toContain(other)
  })

  it.each([
    ['a file that is too large', { maxSizeBytes: 1_000_000 }, 'The file is 40 MB (limit: 1 MB).'],
    ['a video that is too long', { maxDurationSeconds: 1 }, 'The video lasts 6 s (limit: 1 s).'],
    [
      'a video beyond the quota',
      { quotaMinutes: 0.04 },
      '0.1 minutes were requested, and 0 minutes are free.',
    ],
  ])('refuses %s before it creates an upload', async (_name, limits, message) => {
    const { page, gateway } = await openLink(await guestToken(limits))
    await choose(page, await videoFile('holiday.mp4', 40_000_000))
    await rowOf(page, 'holiday.mp4').getByText(message).waitFor()
    expect((await gateway.emulator.state()).videos).toHaveLength(0)
  })

  it('uploads a video within narrow limits', async () => {
    const limits = { maxSizeBytes: 10_000_000, maxDurationSeconds: 10, quotaMinutes: 1 }
    const { page, gateway } = await openLink(await guestToken(limits))
    await choose(page, await videoFile('short.mp4'))
    await waitForState(page, 'short.mp4', 'Ready')
    // Only tus limits the file to its declared size.
    expect((await gateway.emulator.state()).requests).toMatchObject({ tus_create: 1 })
  })

  /** Opens the console as an operator, and then a link in the same tab. */
  async function openLinkAsOperator(linkToken: string, viewport = DESKTOP) {
    const operator = await tokenFor('operator@example.com', { scope: 'uploads:admin' })
    const opened = await openLink(operator, viewport)
    const { page, gateway } = opened
    await page.getByRole('button', { name: 'Sign out' }).waitFor()
    await page.goto('about:blank')
    await page.goto(`${gateway.url}/#token=${linkToken}`)
    return opened
  }

  it('asks before it replaces the session of another user', async () => {
    const token = await guestToken({ maxUploads: 2 })
    const { page, gateway, errors } = await openLinkAsOperator(token)
    const prompt = page.getByRole('group', { name: 'Upload link' })
    await prompt
      .getByText('You are signed in as operator@example.com. This link signs you in as guest-7.')
      .waitFor()
    expect(page.url()).toBe(`${gateway.url}/`)
    await page.keyboard.press('Enter')
    await prompt.waitFor({ state: 'detached' })
    await page.reload()
    await signedInAs(page, 'operator@example.com').waitFor()
    expect(await leftIn(page).count()).toBe(0)
    // Again, in the open page.
    await page.evaluate((fragment) => location.assign(fragment), `#token=${token}`)
    await prompt.getByRole('button', { name: 'Use the link' }).click()
    await leftIn(page).getByText('2 uploads with this link').waitFor()
    await signedInAs(page, 'guest-7').waitFor()
    await page.reload()
    await signedInAs(page, 'guest-7').waitFor()
    expect(errors).toEqual([])
  })

  it.each([
    ['of another user has expired', 'guest-7', /The link was not used: .*expired/],
    ['claims the same user and has expired', 'operator@example.com', /was not used: .*expired/],
  ])('signs nobody out if its token %s', async (_name, subject, text) => {
    const { page } = await openLinkAsOperator(await tokenFor(subject, { exp: 1 }))
    const prompt = page.getByRole('group', { name: 'Upload link' })
    await prompt.getByText(text).waitFor()
    await prompt.getByRole('button', { name: 'Close' }).click()
    await page.reload()
    await signedInAs(page, 'operator@example.com').waitFor()
    await page.getByText('No uploads yet.').waitFor()
    expect(await page.locator('form.sign-in').count()).toBe(0)
  })

  it.each([DESKTOP, PHONE])('asks without violation at $width', async (viewport) => {
    const { page } = await openLinkAsOperator(await guestToken({ maxUploads: 2 }), viewport)
    await page.getByText('This link signs you in as').waitFor()
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await saveScreenshot(page, `${colorScheme}-${viewport.width}-link-question`)
      expect(await violationsOf(page), `${colorScheme} at ${viewport.width}`).toEqual([])
    }
    const needed = await page.evaluate(() => document.documentElement.scrollWidth)
    expect(needed).toBeLessThanOrEqual(viewport.width)
  })

  it.each([
    ['is no token', async () => 'nonsense', 'Sign in to headgate'],
    ['has expired', () => tokenFor('guest-7', { exp: 1 }), 'expired'],
  ])('that %s leads to the sign-in form', async (_name, token, text) => {
    const { page, gateway } = await openLink(await token())
    await page.locator('form.sign-in').getByText(text).first().waitFor()
    expect(page.url()).toBe(`${gateway.url}/`)
  })

  it.each([DESKTOP, PHONE])('has no violation, light and dark, at $width', async (viewport) => {
    const limits = {
      maxUploads: 3,
      maxSizeBytes: 500_000_000,
      maxDurationSeconds: 600,
      quotaMinutes: 20,
    }
    const { page } = await openLink(await guestToken(limits), viewport)
    await choose(page, await videoFile('Lake at dawn.mp4'))
    await waitForState(page, 'Lake at dawn.mp4', 'Ready')
    await leftIn(page).getByText('2 uploads with this link').waitFor()
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await saveScreenshot(page, `${colorScheme}-${viewport.width}-guest`)
      expect(await violationsOf(page), `${colorScheme} at ${viewport.width}`).toEqual([])
    }
    const needed = await page.evaluate(() => document.documentElement.scrollWidth)
    expect(needed).toBeLessThanOrEqual(viewport.width)
  })
})
