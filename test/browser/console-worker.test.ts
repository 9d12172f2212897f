/** The console on Workers: a guest uploads by a link, while only trusted documents are executed. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { startTestEmulator } from '../kit/emulator.ts'
import { startWorker } from '../kit/gateway-worker.ts'
import { TEST_SECRET, tokenFor } from '../kit/gateway.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'
import { choose, playVideo, useBuiltConsole, videoFile, waitForState } from './kit/console.ts'

describeInChromium('the console on Workers', () => {
  const built = useBuiltConsole()

  it('uploads and plays a video of a guest with a link', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'headgate-assets-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    await cp(fileURLToPath(built.folder()), folder, { recursive: true })
    await writeFile(join(folder, 'persisted.json'), '{ "other": "{ __typename }" }')
    const emulator = await startTestEmulator()
    onTestFinished(() => emulator.close())
    const worker = await startWorker({
      variables: { AUTH_JWT_SECRET: TEST_SECRET, TRUSTED_DOCUMENTS: 'persisted.json' },
      stream: { emulator, by: 'both' },
      assetsFolder: folder,
    })
    onTestFinished(() => worker.stop())

    const token = await tokenFor('guest-7', { jti: 'link', headgate: { maxUploads: 2 } })
    const { page, errors } = await openPage(`${worker.url}/#token=${token}`)
    const left = page.getByRole('region', { name: 'What is left' })
    await left.getByText('2 uploads with this link').waitFor()
    await choose(page, await videoFile('lake.mp4'))
    await waitForState(page, 'lake.mp4', 'Ready')
    await playVideo(page, 'lake.mp4')
    await page.keyboard.press('Escape')
    await left.getByText('1 upload with this link').waitFor()
    expect(errors).toEqual([])
  })
})
