/** The upload queue in Chromium: 30 files, two network failures and a reload; and durations by a `<video>` element. */
import type { CDPSession, Page } from 'playwright-core'
import { beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { describeInChromium, openPage } from '../browser/kit/chromium.ts'
import { videoFile } from '../browser/kit/console.ts'
import { bundleSite, serveSite } from '../browser/kit/site.ts'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcard } from '../kit/media.ts'
import { scrape } from '../kit/metrics.ts'
import { CHUNK_BYTES } from './kit.ts'

/** The script of a page with a queue; the test calls `start`, `files` and `durations`. */
const PAGE = /* js */ `
  import { createUploadClient, createUploadQueue } from '/src/client/client.ts'
  import { measureDuration } from '/src/client/duration/measure-duration.ts'
  import { readByVideoElement } from '/src/client/duration/video-element.ts'

  let queue
  const chosen = () => [...document.querySelector('input').files]
  /** Adds the chosen files with these names. Large files use tus. */
  export function start({ url, token, names }) {
    queue ??= createUploadQueue(createUploadClient({ url, token }))
    const options = ({ size }) => ({ reliableConnection: size < ${CHUNK_BYTES}, chunkSizeBytes: ${CHUNK_BYTES} })
    queue.add(chosen().filter(({ name }) => names.includes(name)), options)
  }
  export function list({ url, token }) {
    queue = createUploadQueue(createUploadClient({ url, token }))
    queue.subscribe(() => {})
  }
  export const files = () => (queue?.getSnapshot() ?? []).map(({ upload, error, ...file }) => ({ ...file, code: error?.code }))
  export const durations = () => Promise.all(chosen().map(measureDuration))
  export const abortedDuration = () => {
    const controller = new AbortController()
    const duration = readByVideoElement(chosen()[0], controller.signal)
    controller.abort()
    return duration
  }
`

const listed = z.array(
  z.object({
    name: z.string(),
    state: z.string(),
    sizeBytes: z.number(),
    sentBytes: z.number(),
    protocol: z.enum(['BASIC', 'TUS']).nullable(),
    code: z.string().optional(),
  }),
)

const WAIT = { timeout: 60_000, interval: 50 }
const COUNT = 30
/** A third of the files has one chunk of tus or more, and two have several. */
const SIZES = Array.from({ length: COUNT }, (_none, index) => {
  if (index % 15 === 4) return 24_000_000
  return index % 3 === 0 ? 6_000_000 + index * 200_000 : 1_000_000 + index * 50_000
})

function call(page: Page, name: string, args: object = {}): Promise<unknown> {
  return page.evaluate(`window.recipe.${name}(${JSON.stringify(args)})`)
}

async function filesOf(page: Page) {
  return listed.parse(await call(page, 'files'))
}

async function stateCount(page: Page, state: string): Promise<number> {
  return (await filesOf(page)).filter((file) => file.state === state).length
}

/** Sets the upload rate in bytes per second, or cuts the network. */
async function setNetwork(session: CDPSession, uploadThroughput: number, offline = false) {
  const unlimited = { latency: 0, downloadThroughput: -1 }
  await session.send('Network.emulateNetworkConditions', {
    ...unlimited,
    offline,
    uploadThroughput,
  })
}

/** Records mint requests, and the bytes that each response to a chunk or a POST confirms. */
function watchRequests(page: Page) {
  const mints: string[] = []
  const confirmed = new Map<string, number>()
  const repeated: string[] = []
  const failed: string[] = []
  page.on('requestfailed', (request) => failed.push(`${request.method()} ${request.url()}`))
  page.on('request', (request) => {
    const [, operation] = /"query":"mutation (Mint\w*)/.exec(request.postData() ?? '') ?? []
    if (operation !== undefined) mints.push(operation)
    const { 'upload-offset': offset } = request.headers()
    const isSent = offset !== undefined && Number(offset) < (confirmed.get(request.url()) ?? 0)
    if (isSent) repeated.push(`${request.url()} at ${offset}`)
  })
  page.on('response', (response) => {
    const { 'upload-offset': offset } = response.headers()
    if (offset !== undefined) confirmed.set(response.url(), Number(offset))
  })
  return { mints, confirmed, repeated, failed }
}

describeInChromium('an upload queue in a browser', () => {
  let script = ''
  beforeAll(async () => {
    script = await bundleSite(PAGE)
  })

  it('uploads 30 files over two network failures and a reload, and sends no chunk twice', async () => {
    const site = await serveSite(script)
    const gateway = await startTestGateway({
      AUTH_JWT_SECRET: TEST_SECRET,
      ALLOWED_ORIGINS: site.origin,
    })
    const { page } = await openPage(site.url)
    const names = SIZES.map((_size, index) => `video-${index + 1}.mp4`)
    const paths = await Promise.all(names.map((name, index) => videoFile(name, SIZES[index])))
    const endpoint = { url: `${gateway.url}/graphql`, token: await tokenFor('ada') }
    const { mints, confirmed, repeated, failed } = watchRequests(page)
    const network = await page.context().newCDPSession(page)

    await setNetwork(network, 12_000_000)
    await page.setInputFiles('input', paths)
    await call(page, 'start', { ...endpoint, names })
    for (const ready of [2, 8]) {
      await expect.poll(() => stateCount(page, 'ready'), WAIT).toBeGreaterThanOrEqual(ready)
      const failures = failed.length
      await setNetwork(network, 0, true)
      // The requests that run fail, and those that follow.
      await expect.poll(() => failed.length - failures, WAIT).toBeGreaterThan(3)
      await setNetwork(network, 12_000_000)
    }
    expect(await filesOf(page)).toHaveLength(COUNT)
    const isHalfSent = async () =>
      (await filesOf(page)).some(
        ({ state, protocol, sentBytes }) =>
          state === 'uploading' && protocol === 'TUS' && sentBytes > CHUNK_BYTES,
      )
    await expect.poll(() => stateCount(page, 'ready'), WAIT).toBeGreaterThanOrEqual(12)
    await expect.poll(isHalfSent, { ...WAIT, interval: 10 }).toBe(true)
    const done = (await filesOf(page)).filter(({ state }) => state === 'ready')
    await page.reload()

    await setNetwork(network, -1)
    await call(page, 'list', endpoint)
    await expect.poll(() => stateCount(page, 'needs-file'), WAIT).toBeGreaterThan(0)
    const sent = (await filesOf(page)).filter(({ state }) => state !== 'needs-file')
    const finished = new Set([...done, ...sent].map(({ name }) => name))
    const missing = names.filter((name) => !finished.has(name))
    await page.setInputFiles('input', paths)
    await call(page, 'start', { ...endpoint, names: missing })
    await expect.poll(() => stateCount(page, 'ready'), WAIT).toBe(missing.length + sent.length)

    const { videos, requests } = await gateway.emulator.state()
    expect(videos.map(({ state }) => state)).toEqual(Array(COUNT).fill('ready'))
    expect(videos.map(({ receivedBytes }) => receivedBytes).toSorted((a, b) => a - b)).toEqual(
      SIZES.toSorted((a, b) => a - b),
    )
    expect(Number(requests['direct_upload']) + Number(requests['tus_create'])).toBe(COUNT)
    expect(mints).toEqual(['MintMany', 'MintMany'])
    const mutations = (await scrape(gateway.url))
      .all('headgate_operation_duration_seconds_count')
      .filter(({ labels }) => labels['kind'] === 'mutation')
      .map(({ labels, value }) => [labels['operation'], value])
    expect(mutations).toEqual([['createUploads', 2]])
    expect(repeated).toEqual([])
    const chunked = SIZES.filter((size) => size >= CHUNK_BYTES)
    // Besides the requests that failed, each chunk and each small file was sent once.
    const failedBy = (method: string) =>
      failed.filter((request) => request.startsWith(`${method} ${gateway.emulator.url}`)).length
    const chunkCount = chunked.map((size) => Math.ceil(size / CHUNK_BYTES))
    expect(requests['tus_patch']).toBeLessThanOrEqual(
      chunkCount.reduce((sum, count) => sum + count) + failedBy('PATCH'),
    )
    expect(requests['upload']).toBeLessThanOrEqual(COUNT - chunked.length + failedBy('POST'))
    // The check of offsets has seen each of them.
    expect(confirmed.size).toBe(chunked.length)
  })

  it('mints the files of two tabs once', async () => {
    const site = await serveSite(script)
    const gateway = await startTestGateway({ ALLOWED_ORIGINS: site.origin })
    const { page } = await openPage(site.url)
    const other = await page.context().newPage()
    await other.goto(site.url)
    const names = ['a.mp4', 'b.mp4', 'c.mp4', 'd.mp4', 'e.mp4']
    const paths = await Promise.all(names.map((name) => videoFile(name)))
    const tabs = [page, other]
    for (const tab of tabs) await tab.setInputFiles('input', paths)
    const args = { url: `${gateway.url}/graphql`, names }
    await Promise.all(tabs.map((tab) => call(tab, 'start', args)))
    for (const tab of tabs)
      await expect.poll(() => stateCount(tab, 'ready'), WAIT).toBe(names.length)
    const { requests } = await gateway.emulator.state()
    expect(requests).toMatchObject({ direct_upload: names.length, upload: names.length })
  })

  it('measures the duration of videos, and of nothing else', async () => {
    const { page } = await openPage((await serveSite(script)).url)
    await page.setInputFiles('input', [
      { name: 'a.mp4', mimeType: 'video/mp4', buffer: Buffer.from(testcard.bytes) },
      { name: 'b.mp4', mimeType: 'video/mp4', buffer: Buffer.from('no video') },
    ])
    expect(await call(page, 'durations')).toEqual([testcard.durationSeconds, null])
  })

  it('measures no duration after an abort, as of a file that is read too slowly', async () => {
    const { page } = await openPage((await serveSite(script)).url)
    await page.setInputFiles('input', [
      { name: 'a.mp4', mimeType: 'video/mp4', buffer: Buffer.from(testcard.bytes) },
    ])
    expect(await call(page, 'abortedDuration')).toBeNull()
  }, 15_000)
})
