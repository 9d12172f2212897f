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

/** How long one attempt may take; the whole is bounded by the test. */
const ATTEMPT = { timeout: 2000 }

/**
 * Runs the operation until it shows. GraphiQL notices a moment after a tab was opened which operation
 * is in it; until then it would run the one of the tab before.
 */
async function run(page: Page, shows: () => Promise<unknown>): Promise<void> {
  for (;;) {
    const shown = shows().then(
      () => true,
      () => false,
    )
    await page.click(RUN)
    if (await shown) return
  }
}

/** What the pane of results shows, once it shows this. */
async function resultWith(page: Page, words: string, options = {}): Promise<string> {
  const pane = page.locator('.graphiql-response')
  await pane.getByText(words).first().waitFor(options)
  return pane.innerText()
}

describeInChromium('GraphiQL', () => {
  it('mints, lists and watches, and loads nothing from anywhere else', async () => {
    const gateway = await startTestGateway()
    const { page, errors, origins } = await openPage(`${gateway.url}/graphql`)

    await openTab(page, 'Mint')
    await run(page, () => resultWith(page, 'PENDING_UPLOAD', ATTEMPT))
    expect(await resultWith(page, 'uploadURL')).toContain(gateway.emulator.url)
    await openTab(page, 'List')
    await run(page, () => resultWith(page, 'limitMinutes', ATTEMPT))
    expect(await resultWith(page, 'totalCount')).toContain(
      'My first upload'.replaceAll(' ', '\u00a0'),
    )

    await openTab(page, 'WatchAll')
    await run(page, () =>
      page.waitForResponse(
        (response) => response.headers()['content-type']?.startsWith('text/event-stream') === true,
        ATTEMPT,
      ),
    )
    const { uid } = expectMinted(await createDirectUpload(gateway.as()))
    expect(await resultWith(page, uid)).toContain('PENDING_UPLOAD')
    expect(errors).toEqual([])
    expect([...origins]).toEqual([gateway.url])
  })
})
