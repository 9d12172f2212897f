/** GraphiQL in a real browser, under its strict content security policy. */
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'
import { violationsOf } from './kit/axe.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'
import { saveScreenshot, useBuiltConsole } from './kit/console.ts'

const TABS = ['Mint', 'Find', 'Watch', 'WatchAll', 'List']

function tab(page: Page, name: string) {
  return page.locator(`button.graphiql-tab-button[title="${name}"]`)
}

/** Names of the tabs, in their order. */
function tabNames(page: Page): Promise<readonly string[]> {
  return page.locator('button.graphiql-tab-button').allInnerTexts()
}

/** Clicks a tab once and waits until the editor shows its operation. */
async function openTab(page: Page, name: string): Promise<void> {
  await tab(page, name).click()
  await page.locator('.graphiql-query-editor').getByText(name, { exact: true }).waitFor()
  await page.locator('.graphiql-tab-active').getByText(name, { exact: true }).waitFor()
}

function run(page: Page): Promise<void> {
  return page.click('.graphiql-execute-button')
}

/** The text of the response pane, when it contains `text`. */
async function resultWith(page: Page, text: string): Promise<string> {
  const pane = page.locator('.graphiql-response')
  await pane.getByText(text).first().waitFor()
  return pane.innerText()
}

/** Enters the variable `uid`, as a user types it: the editor closes the quote and the brace. */
async function enterUid(page: Page, uid: string): Promise<void> {
  await page.locator('.graphiql-editor-tools').getByRole('button', { name: 'Variables' }).click()
  await page.locator('.graphiql-editor-tool .graphiql-editor:not(.hidden)').click()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.insertText(`{"uid":"${uid}`)
}

/** Signs in, in GraphiQL or in the console. */
async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

describeInChromium('GraphiQL', () => {
  const built = useBuiltConsole()

  it('opens each tab with one click and runs it, and loads nothing from other origins', async () => {
    const gateway = await startTestGateway()
    const { page, errors, origins } = await openPage(`${gateway.url}/graphql`)
    const { uid } = expectMinted(await createDirectUpload(gateway.as(), { name: 'From the start' }))

    await openTab(page, 'Find')
    await enterUid(page, uid)
    await run(page)
    await resultWith(page, 'From the start'.replaceAll(' ', '\u00a0'))

    await openTab(page, 'Watch')
    await enterUid(page, uid)
    await run(page)
    await resultWith(page, 'PENDING_UPLOAD')

    await openTab(page, 'List')
    await run(page)
    expect(await resultWith(page, 'limitMinutes')).toContain('From')

    await openTab(page, 'Mint')
    await run(page)
    expect(await resultWith(page, 'uploadURL')).toContain(gateway.emulator.url)

    await openTab(page, 'WatchAll')
    const stream = page.waitForResponse((response) =>
      (response.headers()['content-type'] ?? '').startsWith('text/event-stream'),
    )
    await run(page)
    await stream
    const other = expectMinted(await createDirectUpload(gateway.as()))
    expect(await resultWith(page, other.uid)).toContain('PENDING_UPLOAD')
    expect(await tabNames(page)).toEqual(TABS)
    expect(errors).toEqual([])
    expect([...origins]).toEqual([gateway.url])
  })

  it('has no token in the Headers tab, and asks for none, if authentication is disabled', async () => {
    const gateway = await startTestGateway()
    const { page } = await openPage(`${gateway.url}/graphql`)
    await tab(page, 'Mint').waitFor()
    await page.locator('.graphiql-editor-tools').getByRole('button', { name: 'Headers' }).click()
    const text = await page.locator('.graphiql-editor-tool').innerText()
    expect(text.replaceAll(/[\s\d]/g, '')).toBe('')
    expect(await page.getByLabel('Token').count()).toBe(0)
  })

  it('asks for a token before it loads the schema, and says why a token is rejected', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const { page, errors } = await openPage(`${gateway.url}/graphql`)
    await page.getByRole('heading', { name: 'Sign in to GraphiQL' }).waitFor()
    expect(errors).toEqual([])
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await saveScreenshot(page, `graphiql-sign-in-${colorScheme}`)
      expect(await violationsOf(page)).toEqual([])
    }

    await signIn(page, 'a token')
    await page.getByRole('alert').getByText('This is not a token.').waitFor()
    await signIn(page, `${await tokenFor('ada')}x`)
    await page.getByRole('alert').getByText('signature').waitFor()
    await signIn(page, `Bearer ${await tokenFor('ada')}`)
    await openTab(page, 'List')
    await run(page)
    await resultWith(page, 'limitMinutes')

    // The token is kept for this tab.
    await page.reload()
    await openTab(page, 'Mint')
    await run(page)
    await resultWith(page, 'uploadURL')
  })

  it('shares the token with the console, in both directions', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET }, built.folder())
    const fromConsole = await openPage(`${gateway.url}/`)
    await signIn(fromConsole.page, await tokenFor('ada'))
    await fromConsole.page.locator('nav').getByText('GraphiQL').click()
    await openTab(fromConsole.page, 'List')
    await run(fromConsole.page)
    await resultWith(fromConsole.page, 'limitMinutes')
    expect(fromConsole.errors).toEqual([])

    const fromGraphiQL = await openPage(`${gateway.url}/graphql`)
    await signIn(fromGraphiQL.page, await tokenFor('grace'))
    await tab(fromGraphiQL.page, 'Mint').waitFor()
    await fromGraphiQL.page.goto(`${gateway.url}/`)
    await fromGraphiQL.page.getByText('No uploads yet.').waitFor()
    expect(fromGraphiQL.errors).toEqual([])
  })
})
