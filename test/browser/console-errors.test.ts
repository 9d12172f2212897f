/** What the console says where something goes wrong, and to whom it shows what. */
import { expect, it } from 'vitest'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { createDirectUpload } from '../kit/operations.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'
import {
  choose,
  openConsole,
  picture,
  rowOf,
  seeState,
  useBuiltConsole,
  videoFile,
} from './kit/console.ts'

describeInChromium("the console's words", () => {
  const built = useBuiltConsole()

  it('say what is wrong with a video that is too long, and it goes on with more', async () => {
    const { page, errors } = await openConsole(built.folder())
    await page.getByLabel('Longest video').fill('0.05')
    await choose(page, await videoFile('speech.mp4'))
    await seeState(page, 'speech.mp4', 'Failed')
    const line = rowOf(page, 'speech.mp4').locator('.row-line')
    expect(await line.innerText()).toBe(
      'The video is longer than the 3 s that were allowed. Leave "Longest video" empty, or set it higher, and try again.',
    )
    expect(await page.getByRole('status').innerText()).toContain('speech.mp4: Failed')
    await picture(page, 'failed')

    await page.getByLabel('Longest video').fill('')
    await page.getByRole('button', { name: 'Try again with speech.mp4' }).click()
    await seeState(page, 'speech.mp4', 'Ready')
    expect(await page.locator('.row').count()).toBe(1)
    expect(errors).toEqual([])
  })

  it('say how many minutes were asked for and are free', async () => {
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

  it('say what is no video, and refuse what is empty', async () => {
    const { page, errors } = await openConsole(built.folder())
    const words = { mimeType: 'video/mp4', buffer: Buffer.from('These are words. '.repeat(100)) }
    await page.setInputFiles('.file-input', { ...words, name: 'words.mp4' })
    await rowOf(page, 'words.mp4').getByText('The file is not a video.').waitFor()
    const nothing = { mimeType: 'video/mp4', buffer: Buffer.alloc(0), name: 'empty.mp4' }
    await page.setInputFiles('.file-input', nothing)
    await page.getByRole('alert').getByText('The file is empty.').waitFor()
    expect(errors).toEqual([])
  })

  it('ask again for a token that is not taken', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET }, built.folder())
    const { page } = await openPage(`${gateway.url}/`)
    await page.getByLabel('Token').fill('stale')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('must be `Bearer` and a JWT').waitFor()
    await picture(page, 'sign-in')
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
    await page.getByLabel('Token').fill(await tokenFor('ada'))
    await page.keyboard.press('Enter')
    await page.getByText('No uploads yet.').waitFor()
    expect(page.url()).toBe(`${gateway.url}/`)
    await page.reload()
    await page.getByText('No uploads yet.').waitFor()
    await choose(page, await videoFile('diary.mp4'))
    await seeState(page, 'diary.mp4', 'Ready')
    await page.getByRole('button', { name: 'Sign out' }).click()

    // Whoever comes next on this page finds nothing of it.
    await page.getByLabel('Token').fill(await tokenFor('grace'))
    await page.keyboard.press('Enter')
    await page.getByText('No uploads yet.').waitFor()
    expect(await page.getByText('diary.mp4').count()).toBe(0)
  })

  it('show nobody what is another one’s', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET }, built.folder())
    const people = await Promise.all(
      ['ada', 'grace'].map(async (who) => {
        const { page, errors } = await openPage(`${gateway.url}/`)
        await page.getByLabel('Token').fill(await tokenFor(who))
        await page.keyboard.press('Enter')
        await page.getByText('No uploads yet.').waitFor()
        return { page, errors, who, path: await videoFile(`film-of-${who}.mp4`) }
      }),
    )
    await Promise.all(
      people.map(async ({ page, who, path }) => {
        await choose(page, path)
        await seeState(page, `film-of-${who}.mp4`, 'Ready')
      }),
    )
    // Live too: what is minted from elsewhere comes to its creator's page only.
    await createDirectUpload(gateway.as(await tokenFor('ada')), { name: 'From a phone' })
    const [ada, grace] = people
    if (ada === undefined || grace === undefined) throw new Error('Nobody is there.')
    await seeState(ada.page, 'From a phone', 'Not received yet')
    for (const page of [grace.page, ada.page]) await page.reload()
    await seeState(ada.page, 'film-of-ada.mp4', 'Ready')
    await seeState(grace.page, 'film-of-grace.mp4', 'Ready')
    const names = (page: typeof ada.page) => page.locator('.row-name').allInnerTexts()
    expect(await names(ada.page)).toEqual(['From a phone', 'film-of-ada.mp4'])
    expect(await names(grace.page)).toEqual(['film-of-grace.mp4'])
    expect([...ada.errors, ...grace.errors]).toEqual([])
  })
})
