/** Runs the recipes of src/client/README.md with the built client. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { transformSync } from 'esbuild'
import { z } from 'zod'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { listenInTest } from '../kit/listen.ts'
import { testcard } from '../kit/media.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'
import {
  type Frontend,
  installClient,
  createFrontend,
  hasNoPackages,
  packagesHint,
} from './kit/frontend.ts'
import { readRecipe } from './kit/recipe.ts'
import { bundleSite, serveSite } from './kit/site.ts'

const PAGE = 'src/client/README.md'
const RECIPES = [
  'src/browser.ts',
  'src/sentence-for.ts',
  'src/unfinished.ts',
  'src/list.ts',
  'src/queue.ts',
  'node.ts',
  'stream.ts',
]

/** Module on the page: uploads the chosen file with the recipe and records the progress. */
const DRIVER = /* js */ `
  import { createUploadClient } from '@headgate/client'
  import { upload } from 'virtual:recipe.js'
  import { showUploads } from '/src/list.ts'
  export const list = (options) => new Promise((resolve) => {
    const stop = showUploads(createUploadClient(options), (uploads) => {
      if (uploads.length === 0) return
      stop()
      resolve(uploads.map(({ name, status }) => ({ name, status })))
    })
  })
  export async function run({ url, token, maxDurationSeconds }) {
    const [file] = document.querySelector('input').files
    const progress = []
    const options = { url, getToken: async () => token, maxDurationSeconds, onProgress: (value) => progress.push(value) }
    return upload(file, options).then((video) => ({ video, progress }), ({ message }) => ({ message }))
  }
`

/** Module on the page: uploads the files of the input by the recipe, and lists them. */
const QUEUE_DRIVER = /* js */ `
  import { showUploads } from 'virtual:recipe.js'
  export function run({ url, token }) {
    const list = document.querySelector('#app')
    const input = document.querySelector('input')
    window.queue = showUploads({ url, getToken: async () => token, input, list })
  }
`

/** Module on the page: `start` subscribes to a list and starts uploads; `remove` deletes one by another client. */
const BUSY_PAGE = /* js */ `
  import 'virtual:recipe.js'
  import { createUploadClient } from '@headgate/client'
  export async function start({ url, token, count }) {
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream', authorization: 'Bearer ' + token }
    const body = JSON.stringify({ query: 'subscription { uploadList { isListed } }' })
    window.list = await fetch(url, { method: 'POST', headers, body })
    const client = createUploadClient({ url, token })
    const upload = (name) => new Promise((resolve) => {
      const onProgress = ({ phase, upload }) => { if (phase === 'uploading') resolve(upload.uid) }
      client.upload(new File([name], name), { maxDurationSeconds: 60, protocol: 'BASIC', onProgress }).catch(() => {})
    })
    const uids = []
    for (let index = 0; index < count; index += 1) uids.push(await upload('file ' + index))
    return uids
  }
  export const remove = async ({ url, token, uid }) => (await createUploadClient({ url, token }).delete(uid)).status
`
const NUMBERS = ['no', 'one', 'two', 'three', 'four', 'five']

const uploaded = z.object({
  video: z.object({ hlsURL: z.url(), durationSeconds: z.number() }),
  progress: z.array(z.number()),
})

let frontend: Frontend
beforeAll(async () => {
  frontend = await createFrontend({
    ...Object.fromEntries(RECIPES.map((name) => [name, readRecipe(PAGE, name)])),
    // Requires that the result of `upload` has a duration. Its URL is null for a private video.
    'result.ts': `import { upload } from './src/browser'
      type Video = Awaited<ReturnType<typeof upload>>
      export const describe = ({ hlsURL, durationSeconds }: Video): [string | null, number] => [hlsURL, durationSeconds]`,
  })
  await installClient(frontend)
})
afterAll(() => frontend.remove())

describeInChromium('the recipe for headgate/client', () => {
  it('uploads a file until its video is ready, and reports the error of a rejected upload', async () => {
    const { folder } = frontend
    const script = await bundleSite("export * from '/src/browser.ts'", { folder, driver: DRIVER })
    const site = await serveSite(script)
    const gateway = await startTestGateway({
      AUTH_JWT_SECRET: TEST_SECRET,
      ALLOWED_ORIGINS: site.origin,
    })
    const { page, errors, origins } = await openPage(site.url)
    await page.setInputFiles('input', testcard.path)
    const token = await tokenFor('ada')
    const run = (options: object): Promise<unknown> => {
      const allOptions = { url: `${gateway.url}/graphql`, token, ...options }
      return page.evaluate(`window.recipe.run(${JSON.stringify(allOptions)})`)
    }

    const { video, progress } = uploaded.parse(await run({ maxDurationSeconds: 60 }))
    expect(video.durationSeconds).toBe(testcard.durationSeconds)
    expect(progress.at(-1)).toBe(1)
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
    expect(await run({ maxDurationSeconds: 0 })).toEqual({
      message: expect.stringMatching(/^maxDurationSeconds: .+\.$/),
    })
    const endpoint = { url: `${gateway.url}/graphql`, token }
    expect(await page.evaluate(`window.recipe.list(${JSON.stringify(endpoint)})`)).toEqual([
      { name: 'testcard.mp4', status: 'READY' },
    ])
    expect(errors).toEqual([])
    expect([...origins].toSorted()).toEqual(
      [site.origin, gateway.url, gateway.emulator.url].toSorted(),
    )
    expect(await run({ token: 'stale' })).toEqual({ message: 'Sign in again.' })
  })
})

describeInChromium('the recipe for many files', () => {
  it('uploads the files of an input, and lists the state of each', async () => {
    const { folder } = frontend
    const script = await bundleSite("export * from '/src/queue.ts'", {
      folder,
      driver: QUEUE_DRIVER,
    })
    const site = await serveSite(script)
    const gateway = await startTestGateway({
      AUTH_JWT_SECRET: TEST_SECRET,
      ALLOWED_ORIGINS: site.origin,
    })
    const { page, errors } = await openPage(site.url)
    const options = { url: `${gateway.url}/graphql`, token: await tokenFor('ada') }
    await page.evaluate(`window.recipe.run(${JSON.stringify(options)})`)
    const video = { mimeType: 'video/mp4', buffer: Buffer.from(testcard.bytes) }
    const text = { mimeType: 'video/mp4', buffer: Buffer.from('This is no video.') }
    await page.setInputFiles('input', [
      { ...video, name: 'lake.mp4' },
      { ...text, name: 'text.mp4' },
      { ...video, name: 'hike.mp4' },
    ])
    const rows = () => page.locator('li').allInnerTexts()
    await expect
      .poll(rows, { timeout: 20_000 })
      .toEqual([
        'lake.mp4: ready, 100 %',
        expect.stringMatching(/^text\.mp4: Stream could not process the file\. .*, \d+ %$/),
        'hike.mp4: ready, 100 %',
      ])
    expect(errors).toEqual([])
  })
})

describeInChromium('the number of uploads at a time that the page recommends', () => {
  it('leaves a connection for other requests next to a list over SSE', async () => {
    const page = readFileSync(new URL(`../../${PAGE}`, import.meta.url), 'utf8')
    const [, number = ''] = /Next to one list, that is (\w+) uploads/.exec(page) ?? []
    const { folder } = frontend
    const site = await serveSite(await bundleSite('export {}', { folder, driver: BUSY_PAGE }))
    const gateway = await startTestGateway({
      AUTH_JWT_SECRET: TEST_SECRET,
      ALLOWED_ORIGINS: site.origin,
    })
    const count = NUMBERS.indexOf(number)
    // No upload ends during the test.
    await gateway.emulator.fault({ on: 'upload', delayMs: 3_600_000, times: count })
    const opened = await openPage(site.url)
    let streams = 0
    opened.page.on('response', (response) => {
      if (response.headers()['content-type']?.startsWith('text/event-stream')) streams += 1
    })
    const token = await tokenFor('ada')
    const call = (name: string, options: object): Promise<unknown> => {
      const settings = { url: `${gateway.url}/graphql`, token, ...options }
      return opened.page.evaluate(`window.recipe.${name}(${JSON.stringify(settings)})`)
    }
    const [uid] = z.array(z.string()).parse(await call('start', { count }))
    await expect.poll(() => streams, { timeout: 10_000 }).toBe(count + 1)
    expect(await call('remove', { uid })).toBe('DELETED')
    expect(count).toBeGreaterThan(1)
  })
})

describe('the recipe for headgate/client in Node', () => {
  it.skipIf(hasNoPackages)(
    `compiles under strict, as that for browsers${packagesHint}`,
    async () => {
      const flags =
        '--strict --noEmit --skipLibCheck --target es2023 --module preserve --types node'
      const { code, stdout } = await frontend.run(
        'tsc',
        ...flags.split(' '),
        ...RECIPES,
        'result.ts',
      )
      expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    },
  )

  it('uploads a file from disk until it is READY', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const options = { url: `${gateway.url}/graphql`, token: await tokenFor('ada') }
    const { code } = transformSync(readRecipe(PAGE, 'node.ts'), { loader: 'ts' })
    await frontend.write('node.js', code)
    const { stdout, stderr } = await frontend.node(
      '--input-type=module',
      '--eval',
      `import { upload } from './node.js'
      const { status, name } = await upload('${testcard.path}', ${JSON.stringify(options)})
      console.log(status, name)`,
    )
    expect({ stdout, stderr }).toEqual({ stdout: 'READY testcard.mp4\n', stderr: '' })
  })

  it('sends a video of another server on', async () => {
    const server = createServer((_request, response) => {
      response.setHeader('content-length', testcard.bytes.length)
      response.end(testcard.bytes)
    })
    const { origin } = await listenInTest(server)
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const options = { url: `${gateway.url}/graphql`, token: await tokenFor('ada') }
    const { code } = transformSync(readRecipe(PAGE, 'stream.ts'), { loader: 'ts' })
    await frontend.write('stream.js', code)
    const { stdout, stderr } = await frontend.node(
      '--input-type=module',
      '--eval',
      `import { copy } from './stream.js'
      const { status, name } = await copy('${origin}', ${JSON.stringify(options)})
      console.log(status, name)`,
    )
    expect({ stdout, stderr }).toEqual({ stdout: 'READY copy.mp4\n', stderr: '' })
  })
})
