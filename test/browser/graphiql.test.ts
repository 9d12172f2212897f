/** GraphiQL in a real browser, under its strict content policy, with nothing from elsewhere. */
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { startTestGateway } from '../kit/gateway.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'

const RUN = '.graphiql-execute-button'

async function openTab(page: Page, name: string): Promise<void> {
  const editor = page.locator('.graphiql-query-editor')
  // Tabs can be dragged: a click that comes while they are still being laid out is taken for that.
  do await page.locator(`button.graphiql-tab-button[title="${name}"]`).click()
  while (!(await editor.innerText()).includes(`${name}\u00a0{`))
}

/** What the pane of results shows, once it shows this. */
async function resultWith(page: Page, words: string): Promise<string> {
  const pane = page.locator('.graphiql-response')
  await pane.getByText(words).first().waitFor()
  return pane.innerText()
}

describeInChromium('GraphiQL', () => {
  it('mints, lists and watches, and loads nothing from anywhere else', async () => {
    const gateway = await startTestGateway({ EMULATOR_STORAGE_MINUTES: '1000000' })
    const { page, errors, origins } = await openPage(`${gateway.url}/graphql`)

    await openTab(page, 'Mint')
    await page.click(RUN)
    expect(await resultWith(page, 'PENDING_UPLOAD')).toContain(gateway.emulator.url)
    await openTab(page, 'List')
    await page.click(RUN)
    expect(await resultWith(page, 'My first upload')).toContain('limitMinutes')

    await openTab(page, 'WatchAll')
    await page.click(RUN)
    // The subscription opens at its own pace: mint until one is seen.
    const pane = page.locator('.graphiql-response')
    let { uid } = expectMinted(await createDirectUpload(gateway.as(), { maxDurationSeconds: 1 }))
    while (!(await pane.innerText()).includes('PENDING_UPLOAD')) {
      uid = expectMinted(await createDirectUpload(gateway.as(), { maxDurationSeconds: 1 })).uid
    }
    expect(uid).toHaveLength(32)
    expect(errors).toEqual([])
    expect([...origins]).toEqual([gateway.url])
  })
})
