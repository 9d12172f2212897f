/** The console while only trusted documents are executed: it uploads, plays, edits and deletes as usual. */
import { expect, it } from 'vitest'
import { writeTrustedDocuments } from '../kit/trusted-documents.ts'
import { describeInChromium } from './kit/chromium.ts'
import {
  choose,
  openConsole,
  playVideo,
  useBuiltConsole,
  videoFile,
  waitForState,
} from './kit/console.ts'

describeInChromium('the console with trusted documents', () => {
  const built = useBuiltConsole()

  it('executes its own documents, which are not in the file', async () => {
    const TRUSTED_DOCUMENTS = await writeTrustedDocuments({ other: '{ __typename }' })
    const { page, gateway, errors } = await openConsole(built.folder(), { TRUSTED_DOCUMENTS })
    const refusals: string[] = []
    page.on('response', (response) => {
      if (response.status() === 403) refusals.push(response.url())
    })
    await page.getByText('No uploads yet.').waitFor()
    await choose(page, await videoFile('lake.mp4'))
    await waitForState(page, 'lake.mp4', 'Ready')
    await playVideo(page, 'lake.mp4')
    await page.keyboard.press('Escape')
    await page.locator('.storage').getByText('0.1 minutes').waitFor()
    await page.getByRole('button', { name: 'Delete lake.mp4' }).click()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByText('No uploads yet.').waitFor()
    expect(refusals).toEqual([])
    expect(errors).toEqual([])
    // The list is for the gateway only.
    const list = await fetch(`${gateway.url}/console/documents.json`)
    expect(list.status).toBe(404)
  })
})
