/** GraphiQL in a real browser, under its strict content security policy. */
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { startTestGateway } from '../kit/gateway.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'

const RUN = '.graphiql-execute-button'

async function openTab(page: Page, name: string): Promise<void> {
  const editor = page.locator('.graphiql-query-editor')
  // A click while the tabs are still being laid out is treated as a drag.
  do await page.locator(`button.graphiql-tab-button[title="${name}"]`).click()
  while (!(await editor.innerText()).includes(`${name}\u00a0{`))
}

/** Timeout of one attempt; the test's own timeout limits all of them. */
const ATTEMPT = { timeout: 2000 }

/**
 * Runs the operation until `succeeds` resolves. GraphiQL updates the current operation some time after
 * a tab was opened; until then it runs the operation of the previous tab.
 */
async function run(page: Page, succeeds: () => Promise<unknown>): Promise<void> {
  for (;;) {
    const hasSucceeded = succeeds().then(
      () => true,
      () => false,
    )
    await page.click(RUN)
    if (await hasSucceeded) return
  }
}

/** The text of the response pane, when it contains `text`. */
async function resultWith(page: Page, text: string, options = {}): Promise<string> {
  const pane = page.locator('.graphiql-response')
  await pane.getByText(text).first().waitFor(options)
  return pane.innerText()
}

describeInChromium('GraphiQL', () => {
  it('creates, lists and watches uploads, and loads nothing from other origins', async () => {
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
