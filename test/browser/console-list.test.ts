/** The console's list of many uploads: pages, filters, and changes from elsewhere. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { findFreePort } from '../chaos/gateway-process.ts'
import { startTestGateway } from '../kit/gateway.ts'
import { createDirectUpload, deleteUpload, expectMinted } from '../kit/operations.ts'
import { describeInChromium } from './kit/chromium.ts'
import { openConsole, rowOf, useBuiltConsole, waitForState } from './kit/console.ts'

const COUNT = 45

describeInChromium('the list of the console', () => {
  const built = useBuiltConsole()

  /** Opens the console with uploads named `Upload 1` (the oldest) to `Upload 45`. */
  async function openWithUploads(variables: Readonly<Record<string, string>> = {}) {
    const opened = await openConsole(built.folder(), variables)
    const caller = opened.gateway.as()
    const uids: string[] = []
    for (let number = 1; number <= COUNT; number += 1) {
      const name = `Upload ${number}`
      uids.push(expectMinted(await createDirectUpload(caller, { name })).uid)
    }
    await waitForState(opened.page, `Upload ${COUNT}`, 'Not received yet')
    const rows = opened.page.locator('.row')
    const names = () => opened.page.locator('.row-name').allInnerTexts()
    const showMore = async (count: number): Promise<void> => {
      await opened.page.getByRole('button', { name: 'Show more' }).click()
      await expect.poll(() => rows.count(), { timeout: 10_000 }).toBe(count)
    }
    return { ...opened, caller, uids, rows, names, showMore }
  }

  it('reads older uploads on request, and keeps them current', async () => {
    const { page, caller, uids, rows, names, showMore, errors } = await openWithUploads()
    await page.reload()
    await rowOf(page, 'Upload 45').waitFor()
    expect(await rows.count()).toBe(20)
    await showMore(40)
    await showMore(45)
    expect(await page.getByRole('button', { name: 'Show more' }).count()).toBe(0)
    expect(await names()).toEqual(uids.map((_uid, index) => `Upload ${COUNT - index}`))

    await deleteUpload(caller, uids[0] ?? '')
    await rowOf(page, 'Upload 1').waitFor({ state: 'detached' })
    await createDirectUpload(caller, { name: 'The newest' })
    await rowOf(page, 'The newest').waitFor()
    expect((await names())[0]).toBe('The newest')
    expect(await rows.count()).toBe(COUNT)
    expect(errors).toEqual([])
  })

  it('reads older uploads again after the connection was lost', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'headgate-console-list-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const variables = {
      PORT: String(await findFreePort()),
      DATABASE_URL: `file:${join(folder, 'headgate.db')}`,
      EMULATOR_DIR: folder,
    }
    const { page, gateway, uids, rows, showMore } = await openWithUploads(variables)
    await page.reload()
    await rowOf(page, 'Upload 45').waitFor()
    await showMore(40)
    await page.context().setOffline(true)
    await gateway.stop()
    await page.getByText('Reconnecting to the gateway…').waitFor()
    const caller = (await startTestGateway(variables, built.folder())).as()
    for (const number of [45, 11]) await deleteUpload(caller, uids[number - 1] ?? '')
    await page.context().setOffline(false)
    for (const number of [45, 11])
      await rowOf(page, `Upload ${number}`).waitFor({ state: 'detached' })
    await expect.poll(() => rows.count()).toBe(39)
    await showMore(43)
  })

  it('shows only the uploads of a filter, as they change', async () => {
    const { page, caller, uids, rows } = await openWithUploads()
    await page.getByRole('button', { name: 'Failed' }).click()
    await page.getByText('No failed uploads.').waitFor()
    await page.getByRole('button', { name: 'Active' }).click()
    await expect.poll(() => rows.count()).toBe(20)
    await deleteUpload(caller, uids[44] ?? '')
    await rowOf(page, 'Upload 45').waitFor({ state: 'detached' })
    expect(await rows.count()).toBe(19)
  })
})
