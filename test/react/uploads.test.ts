/** `useUploads` in StrictMode in Chromium, with each supported version of React. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { describeInChromium } from '../browser/kit/chromium.ts'
import { limitUploadRate } from '../browser/kit/console.ts'
import { hasNoPackages, packagesHint } from '../browser/kit/frontend.ts'
import { paddedTestcard, testcard, textFile } from '../kit/media.ts'
import { REACT_VERSIONS, type ReactPage, bundlePage, openReactPage } from './kit.ts'
import { PAGE } from './page.ts'

/** Writes files to disk, which keep their date after a reload; returns their paths. */
async function writeFiles(files: Readonly<Record<string, Blob>>): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-react-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const paths = Object.entries(files).map(([name, file]) => ({ path: join(folder, name), file }))
  for (const { path, file } of paths) await writeFile(path, file.stream())
  return paths.map(({ path }) => path)
}

const created = z.object({ uploads: z.object({ nodes: z.array(z.unknown()) }) })

const film = (): Blob => new Blob([testcard.bytes])
/** Takes several seconds at SLOW. */
const largeFilm = (): Blob => paddedTestcard(12_000_000)
/** Bytes per second. */
const SLOW = 3_000_000

const press = ({ page }: ReactPage, name: string, button: string) =>
  page.getByRole('listitem', { name }).getByRole('button', { name: button }).click()

const choose = ({ page }: ReactPage, ...paths: readonly string[]) =>
  page.getByTestId('input').setInputFiles([...paths])

async function untilUploading({ page }: ReactPage, name: string): Promise<void> {
  await page.waitForFunction(
    `document.querySelector('[aria-label="${name}"] progress')?.value > 0`,
    undefined,
    { timeout: 20_000 },
  )
}

describeInChromium(`useUploads${packagesHint}`, () => {
  describe.skipIf(hasNoPackages).each(REACT_VERSIONS)('with React $major', (version) => {
    let script = ''
    beforeAll(async () => {
      script = await bundlePage(version, PAGE)
    })
    const open = () => openReactPage(script, { EMULATOR_ENCODE_MS: '0' })

    it('uploads files with its settings until they are READY, and reports the errors of others', async () => {
      const opened = await open()
      const { gateway, call, untilShown, url, errors, operations } = opened
      const [a = '', b = '', words = ''] = await writeFiles({
        'a.mp4': film(),
        'b.mp4': film(),
        'words.txt': textFile(),
      })
      const settings = { allowedOrigins: ['example.com'], maxDurationSeconds: 60 }
      await call('mount', { url, concurrency: 2 }, 'Page', { showsFiles: true, settings })
      await untilShown('count', '0 of 0')
      await choose(opened, a, words, b)
      await untilShown(
        'files',
        `a.mp4 ready ${testcard.durationSeconds} | words.txt failed VIDEO_FAILED | b.mp4 ready ${testcard.durationSeconds}`,
      )
      await untilShown('count', '2 of 3')
      expect(operations.filter((name) => name.startsWith('Mint'))).toHaveLength(1)
      const { uploads } = await gateway
        .as()
        .request(created, '{ uploads { nodes { constraints { allowedOrigins } } } }')
      expect(uploads.nodes).toEqual(
        [1, 2, 3].map(() => ({ constraints: { allowedOrigins: ['example.com'] } })),
      )
      await press(opened, 'words.txt', 'Remove')
      await untilShown('count', '2 of 2')
      expect(errors()).toEqual([])
    })

    it('pauses, resumes, cancels and retries', async () => {
      const opened = await open()
      const { gateway, page, call, untilShown, url, errors } = opened
      const [large = '', unwanted = ''] = await writeFiles({
        'large.mp4': largeFilm(),
        'unwanted.mp4': largeFilm(),
      })
      const settings = { reliableConnection: false }
      await call('mount', { url, concurrency: 1 }, 'Uploads', { settings })
      await limitUploadRate(page, SLOW)
      await choose(opened, large, unwanted)
      await untilUploading(opened, 'large.mp4')
      await untilShown('files', 'large.mp4 uploading | unwanted.mp4 waiting')
      await press(opened, 'large.mp4', 'Pause')
      await untilShown('files', 'large.mp4 paused | unwanted.mp4 uploading')
      await press(opened, 'unwanted.mp4', 'Cancel')
      await untilShown('files', 'large.mp4 paused')
      await limitUploadRate(page, -1)
      await gateway.emulator.fault({ on: 'tus_patch', status: 413, times: 1 })
      await press(opened, 'large.mp4', 'Resume')
      await untilShown('files', 'large.mp4 failed STREAM_REJECTED')
      await press(opened, 'large.mp4', 'Retry')
      await untilShown('files', `large.mp4 ready ${testcard.durationSeconds}`)
      expect(errors()).toEqual([])
    })

    it('goes on while no component shows the files, and stops with its provider', async () => {
      const opened = await open()
      const { page, call, untilShown, url, subscriptions, errors } = opened
      const [large = '', other = ''] = await writeFiles({
        'large.mp4': largeFilm(),
        'other.mp4': largeFilm(),
      })
      await call('mount', { url }, 'Page', { showsFiles: true })
      await limitUploadRate(page, SLOW)
      await choose(opened, large)
      await untilUploading(opened, 'large.mp4')
      await call('update', { view: 'Upload', props: { uid: null } })
      await limitUploadRate(page, -1)
      await expect.poll(subscriptions, { timeout: 20_000 }).toBe(0)
      await call('update', { view: 'Page', props: { showsFiles: true } })
      await untilShown('files', `large.mp4 ready ${testcard.durationSeconds}`)

      await limitUploadRate(page, SLOW)
      await choose(opened, other)
      await untilUploading(opened, 'other.mp4')
      await call('unmount')
      await expect.poll(subscriptions, { timeout: 10_000 }).toBe(0)
      await call('mount', { url }, 'Page', { showsFiles: true })
      await untilShown('files', 'other.mp4 needs-file')
      expect(errors()).toEqual([])
    })

    it('goes on when a provider of the same client replaces its provider', async () => {
      const opened = await open()
      const { page, call, untilShown, url, errors } = opened
      const [large = ''] = await writeFiles({ 'large.mp4': largeFilm() })
      const view = [{ url, usesOwnClient: true }, 'Page', { showsFiles: true }]
      await call('mount', ...view)
      await limitUploadRate(page, SLOW)
      await choose(opened, large)
      await untilUploading(opened, 'large.mp4')
      await page.evaluate(
        `window.recipe.unmount(); window.recipe.mount(...${JSON.stringify(view)})`,
      )
      await untilShown('files', 'large.mp4 uploading')
      await limitUploadRate(page, -1)
      await untilShown('files', `large.mp4 ready ${testcard.durationSeconds}`)
      expect(errors()).toEqual([])
    })

    it('resumes after a reload when it gets the file again', async () => {
      const opened = await open()
      const { gateway, page, call, untilShown, url, errors } = opened
      const [large = ''] = await writeFiles({ 'large.mp4': largeFilm() })
      await call('mount', { url }, 'Uploads', { settings: { reliableConnection: false } })
      await limitUploadRate(page, SLOW)
      await choose(opened, large)
      await untilUploading(opened, 'large.mp4')
      await page.reload()
      await call('mount', { url }, 'Uploads', {})
      await untilShown('files', 'large.mp4 needs-file')
      await limitUploadRate(page, -1)
      await choose(opened, large)
      await untilShown('files', `large.mp4 ready ${testcard.durationSeconds}`)
      expect((await gateway.emulator.state()).videos).toHaveLength(1)
      expect(errors()).toEqual([])
    })
  })
})
