/** The plugin for Uppy: the recipe of its page as it stands, and all that a user does with files in the Dashboard. */
import { symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcard } from '../kit/media.ts'
import { buildPages } from './kit/build-pages.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'
import { limitUploadRate, videoFile } from './kit/console.ts'
import {
  type Frontend,
  installClient,
  createFrontend,
  hasNoPackages,
  packagesHint,
} from './kit/frontend.ts'
import { readRecipe } from './kit/recipe.ts'
import { bundleSite, serveFiles, serveSite } from './kit/site.ts'

const PAGE = 'src/uppy/README.md'
const GATEWAY = 'http://127.0.0.1:4000'
const MEGABYTE = 1_000_000

/** Module on the page: starts Uppy with the Dashboard, and records the events. */
const DRIVER = /* js */ `
  import Uppy from '@uppy/core'
  import Dashboard from '@uppy/dashboard'
  import GoldenRetriever from '@uppy/golden-retriever'
  import { HeadgateUploader } from '@headgate/client/uppy'
  export const events = []
  const settings = ({ meta }) => ({
    maxDurationSeconds: 60,
    protocol: 'TUS',
    chunkSizeBytes: 5 * 2 ** 20,
    meta: { folder: String(meta.folder ?? 'none') },
  })
  export let uppy
  const noSettings = ({ name }) => {
    if (name === 'broken.mp4') throw new Error('No settings for this file.')
    return {}
  }
  export function start({ url, token, concurrency, restore = false, plain = false }) {
    uppy = new Uppy({ autoProceed: !restore })
      .use(Dashboard, { target: '#app', inline: true, theme: 'light' })
      .use(HeadgateUploader, {
        url, token, concurrency, settings: plain ? noSettings : settings,
      })
    if (restore) uppy.use(GoldenRetriever)
    document.querySelector('body > input').onchange = ({ target }) =>
      uppy.addFiles([...target.files].map((data) => ({ name: data.name, type: data.type, data })))
    for (const name of ['upload-success', 'upload-error', 'postprocess-progress', 'upload-progress']) {
      uppy.on(name, (file, value) => {
        const { message, code, body, uploadURL, value: fraction, bytesUploaded } = value
        events.push({ name, file: file.name, message, code, uid: body?.uid, uploadURL, fraction, bytesUploaded })
      })
    }
  }
`

const ADD_REMOTE_FILE = /* js */ `recipe.uppy.addFile({
  name: 'remote.mp4', type: 'video/mp4', data: { size: 10 }, isRemote: true,
  remote: { companionUrl: 'https://companion.example', url: 'https://companion.example/1', requestClientId: 'x' },
})`

const recorded = z.array(
  z.object({
    name: z.string(),
    file: z.string(),
    message: z.string().optional(),
    code: z.string().optional(),
    uid: z.string().optional(),
    uploadURL: z.string().optional(),
    fraction: z.number().optional(),
    bytesUploaded: z.number().optional(),
  }),
)

let frontend: Frontend
beforeAll(async () => {
  frontend = await createFrontend({
    'index.html': readRecipe(PAGE, 'index.html'),
    'src/main.ts': readRecipe(PAGE, 'src/main.ts'),
    'tsconfig.json': readRecipe(PAGE, 'tsconfig.json'),
  })
  await installClient(frontend)
  const vite = dirname(fileURLToPath(import.meta.resolve('vite/package.json')))
  await symlink(vite, join(frontend.folder, 'node_modules/vite'))
})
afterAll(() => frontend.remove())

describe.skipIf(hasNoPackages)(`the recipe for Uppy${packagesHint}`, () => {
  it('compiles under strict options', async () => {
    const flags = '--exactOptionalPropertyTypes --noUncheckedIndexedAccess'
    const { code, stdout } = await frontend.run('tsc', ...flags.split(' '))
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
  })
})

describeInChromium(`the plugin for Uppy${packagesHint}`, () => {
  describe.skipIf(hasNoPackages)('in the Dashboard', () => {
    let script = ''
    beforeAll(async () => {
      script = await bundleSite('export {}', { folder: frontend.folder, driver: DRIVER })
    })

    async function open(
      options: {
        readonly concurrency?: number
        readonly restore?: boolean
        readonly plain?: boolean
      } = {},
      variables: Readonly<Record<string, string>> = {},
    ) {
      const site = await serveSite(script)
      const gateway = await startTestGateway({
        AUTH_JWT_SECRET: TEST_SECRET,
        ALLOWED_ORIGINS: site.origin,
        ...variables,
      })
      const opened = await openPage(site.url)
      const args = { url: `${gateway.url}/graphql`, token: await tokenFor('ada'), ...options }
      const start = () => opened.page.evaluate(`recipe.start(${JSON.stringify(args)})`)
      await start()
      return { gateway, start, ...opened }
    }

    it('uploads with the code of its page, and shows why a file failed', async () => {
      const built = await buildPages(frontend)
      let gatewayURL = GATEWAY
      const site = await serveFiles(() =>
        Object.fromEntries(
          Object.entries(built).map(([path, text]) => [path, text.replaceAll(GATEWAY, gatewayURL)]),
        ),
      )
      const gateway = await startTestGateway({ ALLOWED_ORIGINS: site.origin })
      gatewayURL = gateway.url
      const { page, errors } = await openPage(site.url)
      await choose(page, testcard.path)
      await page.getByRole('button', { name: 'Upload 1 file' }).click()
      await page
        .getByRole('listitem')
        .filter({ hasText: /^testcard\.mp4: 6 s, http.*m3u8$/ })
        .waitFor()
      await page.getByText('Complete', { exact: true }).waitFor()
      expect(errors).toEqual([])

      await page.getByRole('button', { name: 'Done' }).click()
      await gateway.emulator.fault({ on: 'direct_upload', status: 403 })
      await choose(page, testcard.path)
      await page.getByRole('button', { name: 'Upload 1 file' }).click()
      await page.getByRole('listitem').filter({ hasText: 'testcard.mp4: ' }).nth(1).waitFor()
      await page.locator('.uppy-StatusBar').getByRole('button', { name: 'Retry' }).click()
      await page.getByText('Complete', { exact: true }).waitFor()
      expect((await gateway.emulator.state()).videos).toHaveLength(2)
    })

    it('reports the READY upload after its encoding', async () => {
      const { page, gateway, errors } = await open({}, { EMULATOR_ENCODE_MS: '1500' })
      await choose(page, testcard.path)
      await page.locator('.uppy-StatusBar', { hasText: 'Encoding' }).waitFor()
      await page.getByText('Complete', { exact: true }).waitFor()
      const events = await eventsOf(page)
      const [video] = (await gateway.emulator.state()).videos
      expect(events.at(-1)).toMatchObject({
        name: 'upload-success',
        uid: video?.uid,
        uploadURL: expect.stringContaining(video?.uid ?? '-'),
      })
      const encoding = events.filter(({ name }) => name === 'postprocess-progress')
      expect(encoding.length).toBeGreaterThan(0)
      expect(errors).toEqual([])
    })

    it('pauses and resumes, and a pause frees the place for another file', async () => {
      const { page, gateway, errors } = await open({ concurrency: 1 })
      await gateway.emulator.fault({ on: 'tus_patch', delayMs: 3_600_000 })
      const paths = [
        await videoFile('one.mp4', 6 * MEGABYTE),
        await videoFile('two.mp4', 6 * MEGABYTE),
      ]
      await choose(page, ...paths)
      const created = async (): Promise<number> =>
        (await gateway.emulator.state()).requests['tus_patch'] ?? 0
      await expect.poll(created, { timeout: 10_000 }).toBe(1)
      await pressOn(page, 'one.mp4', 'Pause upload')
      await fileItem(page, 'two.mp4').locator('.uppy-Dashboard-Item-progressIcon--check').waitFor()
      expect((await eventsOf(page)).filter(({ name }) => name === 'upload-error')).toEqual([])
      await pressOn(page, 'one.mp4', 'Resume upload')
      await page.getByText('Complete', { exact: true }).waitFor()
      const { videos, requests } = await gateway.emulator.state()
      expect(videos.map(({ state }) => state)).toEqual(['ready', 'ready'])
      expect(requests['tus_create']).toBe(2)
      expect(errors).toEqual([])
    })

    it('pauses and resumes all files', async () => {
      const { page, gateway } = await open({ concurrency: 2 })
      await gateway.emulator.fault({ on: 'tus_patch', delayMs: 3_600_000, times: 2 })
      await choose(
        page,
        ...(await Promise.all(
          ['one', 'two', 'three'].map((name) => videoFile(`${name}.mp4`, 6 * MEGABYTE)),
        )),
      )
      await expect
        .poll(async () => (await gateway.emulator.state()).requests['tus_patch'], {
          timeout: 10_000,
        })
        .toBe(2)
      await press(page, 'Pause')
      await page.locator('.uppy-StatusBar', { hasText: 'Paused' }).waitFor()
      await press(page, 'Resume')
      await page.getByText('Complete', { exact: true }).waitFor()
      const { videos, requests } = await gateway.emulator.state()
      expect(videos.map(({ state }) => state)).toEqual(['ready', 'ready', 'ready'])
      expect(requests['tus_create']).toBe(3)
    })

    it('deletes what was minted for a file that is removed, and what was not yet minted', async () => {
      const { page, gateway, errors } = await open({ concurrency: 2 })
      await gateway.emulator.fault({ on: 'tus_patch', delayMs: 3_600_000 })
      await choose(page, await videoFile('sending.mp4', 6 * MEGABYTE))
      await expect
        .poll(async () => (await gateway.emulator.state()).requests['tus_patch'], {
          timeout: 10_000,
        })
        .toBe(1)
      await gateway.emulator.fault({ on: 'tus_create', delayMs: 1500 })
      await add(page, await videoFile('minting.mp4', 6 * MEGABYTE))
      await expect
        .poll(async () => (await gateway.emulator.state()).requests['tus_create'], {
          timeout: 10_000,
        })
        .toBe(2)
      for (const name of ['minting.mp4', 'sending.mp4']) await pressOn(page, name, 'Remove file')
      const videos = async () => {
        const state = await gateway.emulator.state()
        return { left: state.videos.length, deleted: state.requests['delete'] }
      }
      await expect.poll(videos, { timeout: 10_000 }).toEqual({ left: 0, deleted: 2 })
      expect((await eventsOf(page)).filter(({ name }) => name !== 'upload-progress')).toEqual([])
      expect(errors).toEqual([])
    })

    it('keeps the uploads resumable when Uppy is destroyed', async () => {
      const { page, gateway, start } = await open()
      await gateway.emulator.fault({ on: 'tus_patch', delayMs: 3_600_000 })
      const path = await videoFile('one.mp4', 6 * MEGABYTE)
      await choose(page, path)
      await expect
        .poll(async () => (await gateway.emulator.state()).requests['tus_patch'], {
          timeout: 10_000,
        })
        .toBe(1)
      await page.evaluate('recipe.uppy.destroy()')
      await start()
      await choose(page, path)
      await page.getByText('Complete', { exact: true }).waitFor()
      const { requests, videos } = await gateway.emulator.state()
      expect({ created: requests['tus_create'], deleted: requests['delete'] }).toEqual({
        created: 1,
        deleted: 0,
      })
      expect(videos).toHaveLength(1)
    })

    it('retries a failed file while another one is uploaded', async () => {
      const { page, gateway } = await open({ concurrency: 1 })
      await gateway.emulator.fault({ on: 'tus_create', status: 403 })
      await choose(
        page,
        await videoFile('one.mp4', 6 * MEGABYTE),
        await videoFile('two.mp4', 6 * MEGABYTE),
      )
      await fileItem(page, 'two.mp4').locator('.uppy-Dashboard-Item-progressIcon--check').waitFor()
      const failure = (await eventsOf(page)).find(({ name }) => name === 'upload-error')
      expect(failure).toMatchObject({ file: 'one.mp4', code: 'STREAM_REJECTED' })
      await pressOn(page, 'one.mp4', 'Retry upload')
      await page.getByText('Complete', { exact: true }).waitFor()
    })

    it('uploads failed files again when all files are resumed', async () => {
      const { page, gateway } = await open()
      await gateway.emulator.fault({ on: 'tus_create', status: 403 })
      await choose(page, await videoFile('one.mp4', 6 * MEGABYTE))
      await page.evaluate(ADD_REMOTE_FILE)
      await fileItem(page, 'one.mp4').getByRole('button', { name: 'Retry upload' }).waitFor()
      await page.evaluate('recipe.uppy.pauseAll(); recipe.uppy.resumeAll()')
      await fileItem(page, 'one.mp4').locator('.uppy-Dashboard-Item-progressIcon--check').waitFor()
      const errors = (await eventsOf(page)).filter(({ name }) => name === 'upload-error')
      expect(errors.map(({ file }) => file).toSorted()).toEqual([
        'one.mp4',
        'remote.mp4',
        'remote.mp4',
      ])
      expect((await gateway.emulator.state()).videos).toHaveLength(1)
    })

    it('mints the uploads of many files by one request, and reports an error of the settings', async () => {
      const { page, gateway } = await open({ plain: true })
      const mints: string[] = []
      page.on('request', (request) => {
        const [, name] = /outcomes?: (create\w+)/.exec(request.postData() ?? '') ?? []
        if (name !== undefined) mints.push(name)
      })
      const names = ['broken', ...Array.from({ length: 12 }, (_, index) => `video-${index}`)]
      await choose(page, ...(await Promise.all(names.map((name) => videoFile(`${name}.mp4`)))))
      const ended = async () =>
        (await eventsOf(page)).filter(({ name }) => /success|error/.test(name))
      await expect.poll(ended, { timeout: 20_000 }).toHaveLength(13)
      const failures = (await ended()).filter(({ name }) => name === 'upload-error')
      expect(failures).toEqual([
        { name: 'upload-error', file: 'broken.mp4', message: 'No settings for this file.' },
      ])
      expect(mints).toEqual(['createUploads'])
      expect((await gateway.emulator.state()).videos).toHaveLength(12)
    })

    it('rejects remote files', async () => {
      const { page } = await open()
      await page.evaluate(ADD_REMOTE_FILE)
      const message = 'remote.mp4 is not on this device. Download it, then choose it here.'
      await expect
        .poll(() => eventsOf(page))
        .toEqual([
          {
            name: 'upload-error',
            file: 'remote.mp4',
            code: 'INVALID_INPUT',
            message: `file: ${message}`,
          },
        ])
    })

    it('asks for a file that the browser has not kept, and accepts it again', async () => {
      const { page } = await open()
      const addGhost = `(() => {
        const [data] = document.querySelector('body > input').files
        const id = recipe.uppy.addFile({ name: data.name, type: data.type, data })
        recipe.uppy.setFileState(id, { data: undefined, isGhost: true })
      })()`
      await page.evaluate("document.querySelector('body > input').onchange = null")
      await add(page, testcard.path)
      await page.evaluate(addGhost)
      const message = 'file: Choose testcard.mp4 again: the browser has not kept it.'
      await expect
        .poll(() => eventsOf(page))
        .toMatchObject([{ name: 'upload-error', code: 'INVALID_INPUT', message }])
      await page.evaluate(addGhost.replace(/recipe.uppy.setFileState.*/, ''))
      await page.getByText('Complete', { exact: true }).waitFor()
    })

    it('rejects a concurrency that is no positive integer', async () => {
      await expect(open({ concurrency: 0 })).rejects.toThrow(
        'concurrency: must be a positive integer.',
      )
    })

    it('restores files after a reload: small ones, large ones, and those that were sent', async () => {
      const { page, gateway, start } = await open(
        { restore: true, concurrency: 3 },
        { EMULATOR_ENCODE_MS: '3600000' },
      )
      const large = await videoFile('large.mp4', 16 * MEGABYTE)
      await choose(page, testcard.path)
      await press(page, 'Upload 1 file')
      await page.locator('.uppy-StatusBar', { hasText: 'Encoding' }).waitFor()
      await limitUploadRate(page, 2 * MEGABYTE)
      await add(page, await videoFile('small.mp4', 8 * MEGABYTE), large)
      await press(page, 'Upload 2 files')
      await expect
        .poll(async () => (await gateway.emulator.state()).requests['tus_patch'], {
          timeout: 15_000,
        })
        .toBeGreaterThanOrEqual(5)
      await page.reload()
      await limitUploadRate(page, -1)
      await start()
      await page.getByText('Session restored').waitFor()
      await add(page, large)
      await press(page, 'Upload 3 files')
      const awaiting = async () =>
        (await gateway.emulator.state()).videos.filter(({ state }) => state === 'pendingupload')
      await expect.poll(awaiting, { timeout: 15_000 }).toEqual([])
      await gateway.emulator.advanceClock(7200)
      await page.getByText('Complete', { exact: true }).waitFor()
      const { videos, requests } = await gateway.emulator.state()
      expect(videos.map(({ state }) => state)).toEqual(['ready', 'ready', 'ready'])
      expect(requests['tus_create']).toBe(3)
      expect((await eventsOf(page)).filter(({ name }) => name === 'upload-success')).toHaveLength(3)
    })
  })
})

function choose(page: Page, ...paths: readonly string[]): Promise<void> {
  return page.setInputFiles('.uppy-Dashboard-input >> nth=0', [...paths])
}

/** Adds files next to those that the Dashboard shows. */
function add(page: Page, ...paths: readonly string[]): Promise<void> {
  return page.setInputFiles('body > input', [...paths])
}

/** Presses a button of a file. Without Uppy's style sheet, others may lie over it. */
function pressOn(page: Page, file: string, name: string): Promise<void> {
  return fileItem(page, file).getByRole('button', { name }).dispatchEvent('click')
}

/** Presses a button below the files. */
function press(page: Page, name: string): Promise<void> {
  return page.locator('.uppy-StatusBar').getByRole('button', { name }).dispatchEvent('click')
}

function fileItem(page: Page, name: string) {
  return page.locator('.uppy-Dashboard-Item', { hasText: name })
}

async function eventsOf(page: Page) {
  return recorded.parse(await page.evaluate('recipe.events'))
}
