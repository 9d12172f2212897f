/** Error messages of the console, sign-in, and separation of users. */
import { expect, it } from 'vitest'
import { findFreePort } from '../chaos/gateway-process.ts'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { createDirectUpload } from '../kit/operations.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'
import {
  choose,
  openConsole,
  saveScreenshot,
  rowOf,
  waitForState,
  useBuiltConsole,
  videoFile,
} from './kit/console.ts'

describeInChromium('the console', () => {
  const built = useBuiltConsole()

  it('reports a video that is too long, and accepts the file with a higher limit', async () => {
    const { page, errors } = await openConsole(built.folder())
    await page.getByLabel('Longest video').fill('0.05')
    await choose(page, await videoFile('speech.mp4'))
    await waitForState(page, 'speech.mp4', 'Failed')
    const line = rowOf(page, 'speech.mp4').locator('.row-line')
    expect(await line.innerText()).toBe(
      'The video is longer than the 3 s that were allowed. Leave "Longest video" empty, or set it higher, and try again.',
    )
    expect(await page.getByRole('status').innerText()).toContain('speech.mp4: Failed')
    await saveScreenshot(page, 'failed')

    await page.getByLabel('Longest video').fill('')
    await page.getByRole('button', { name: 'Try again with speech.mp4' }).click()
    await waitForState(page, 'speech.mp4', 'Ready')
    expect(await page.locator('.row').count()).toBe(1)
    expect(errors).toEqual([])
  })

  it('reports requested and free minutes when the quota is exceeded', async () => {
    const { page, gateway, errors } = await openConsole(built.folder(), {
      CREATOR_QUOTA_MINUTES: '10',
    })
    await page.getByLabel('Longest video').fill('30')
    await choose(page, await videoFile('speech.mp4'))
    await rowOf(page, 'speech.mp4')
      .getByText('30 minutes were requested, and 10 minutes are free.')
      .waitFor()
    expect((await gateway.emulator.state()).videos).toEqual([])
    await page.getByRole('button', { name: 'Delete speech.mp4' }).click()
    await page.getByText('No uploads yet.').waitFor()
    expect(errors).toEqual([])
  })

  it('advises to delete videos when no minutes are free', async () => {
    const { page, gateway } = await openConsole(built.folder(), { CREATOR_QUOTA_MINUTES: '1' })
    await createDirectUpload(gateway.as(), { name: 'Full quota', maxDurationSeconds: 60 })
    await choose(page, await videoFile('speech.mp4'))
    const line = rowOf(page, 'speech.mp4').locator('.row-line')
    await line.getByText('and 0 minutes are free.').waitFor()
    expect(await line.innerText()).toMatch(/ are free\. Delete videos that are not needed\.$/)
  })

  it('reports a file that is not a video, and rejects an empty file', async () => {
    const { page, errors } = await openConsole(built.folder())
    const textFile = { mimeType: 'video/mp4', buffer: Buffer.from('This is text. '.repeat(100)) }
    await page.setInputFiles('.file-input', { ...textFile, name: 'text.mp4' })
    await rowOf(page, 'text.mp4').getByText('The file is not a video.').waitFor()
    const emptyFile = { mimeType: 'video/mp4', buffer: Buffer.alloc(0), name: 'empty.mp4' }
    const notes = { mimeType: 'text/plain', buffer: Buffer.from('Notes'), name: 'notes.txt' }
    await page.setInputFiles('.file-input', [emptyFile, notes])
    await page
      .getByRole('alert')
      .getByText('empty.mp4 is empty. notes.txt is not a video.')
      .waitFor()
    expect(errors).toEqual([])
  })

  it('asks for a token again after an invalid token', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET }, built.folder())
    const { page } = await openPage(`${gateway.url}/`)
    await page.getByLabel('Token').fill('stale')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').getByText('This is not a token.').waitFor()
    await page.getByLabel('Token').fill(await tokenFor('ada', { exp: 1 }))
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').getByText('The token has expired.').waitFor()
    await saveScreenshot(page, 'sign-in')
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
    await page.getByLabel('Token').fill(await tokenFor('ada'))
    await page.keyboard.press('Enter')
    await page.getByText('No uploads yet.').waitFor()
    expect(page.url()).toBe(`${gateway.url}/`)
    await page.reload()
    await page.getByText('No uploads yet.').waitFor()
    await choose(page, await videoFile('diary.mp4'))
    await waitForState(page, 'diary.mp4', 'Ready')
    await page.getByRole('button', { name: 'Sign out' }).click()

    // The next user of this page sees none of the uploads.
    await page.getByLabel('Token').fill(await tokenFor('grace'))
    await page.keyboard.press('Enter')
    await page.getByText('No uploads yet.').waitFor()
    expect(await page.getByText('diary.mp4').count()).toBe(0)
  })

  it('keeps the list and says that it reconnects while the gateway restarts', async () => {
    const PORT = String(await findFreePort())
    const gateway = await startTestGateway({ PORT }, built.folder())
    await createDirectUpload(gateway.as(), { name: 'Before the restart' })
    const { page } = await openPage(`${gateway.url}/`)
    await waitForState(page, 'Before the restart', 'Not received yet')
    await gateway.stop()
    await page.getByText('Reconnecting to the gateway…').waitFor()
    expect(await rowOf(page, 'Before the restart').count()).toBe(1)

    // A filter that was not read yet.
    await page.getByRole('button', { name: 'Failed' }).click()
    await page.getByText('The list appears when the gateway responds.').waitFor()
    await page.getByRole('button', { name: 'All' }).click()
    await waitForState(page, 'Before the restart', 'Not received yet')
    expect(await page.locator('body').innerText()).not.toMatch(/failed to fetch|unavailable/i)

    const restarted = await startTestGateway({ PORT }, built.folder())
    await createDirectUpload(restarted.as(), { name: 'After the restart' })
    await waitForState(page, 'After the restart', 'Not received yet')
    expect(await page.getByText('Reconnecting').count()).toBe(0)
  })

  it('shows no upload and no storage usage of another user', async () => {
    const gateway = await startTestGateway(
      { AUTH_JWT_SECRET: TEST_SECRET, CREATOR_QUOTA_MINUTES: '30' },
      built.folder(),
    )
    const users = await Promise.all(
      ['ada', 'grace'].map(async (name) => {
        const { page, errors } = await openPage(`${gateway.url}/`)
        await page.getByLabel('Token').fill(await tokenFor(name))
        await page.keyboard.press('Enter')
        await page.getByText('No uploads yet.').waitFor()
        return { page, errors, name, path: await videoFile(`film-of-${name}.mp4`) }
      }),
    )
    await Promise.all(
      users.map(async ({ page, name, path }) => {
        await choose(page, path)
        await waitForState(page, `film-of-${name}.mp4`, 'Ready')
      }),
    )
    // A live update for an upload created by another client reaches its creator's page only.
    await createDirectUpload(gateway.as(await tokenFor('ada')), { name: 'From a phone' })
    const [ada, grace] = users
    if (ada === undefined || grace === undefined) throw new Error('No page was opened.')
    await waitForState(ada.page, 'From a phone', 'Not received yet')
    for (const page of [grace.page, ada.page]) await page.reload()
    await waitForState(ada.page, 'film-of-ada.mp4', 'Ready')
    await waitForState(grace.page, 'film-of-grace.mp4', 'Ready')
    const names = (page: typeof ada.page) => page.locator('.row-name').allInnerTexts()
    expect(await names(ada.page)).toEqual(['From a phone', 'film-of-ada.mp4'])
    expect(await names(grace.page)).toEqual(['film-of-grace.mp4'])
    const gauge = grace.page.locator('.storage')
    await gauge.getByText('29 minutes free').waitFor()
    expect(await gauge.locator('dd').allInnerTexts()).toEqual([
      '0.1 minutes',
      '0 minutes',
      '1',
      '30 minutes',
    ])
    expect([...ada.errors, ...grace.errors]).toEqual([])
  })
})
