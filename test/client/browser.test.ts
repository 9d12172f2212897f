/** Runs the client in Chromium: XMLHttpRequest, localStorage, Web Locks, and a reload during an upload. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import type { UploadOptions } from '../../src/client/client.ts'
import { describeInChromium, openPage } from '../browser/kit/chromium.ts'
import { bundleSite, serveSite } from '../browser/kit/site.ts'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { paddedTestcard } from '../kit/media.ts'
import { CHUNK_BYTES, clientOf } from './kit.ts'

/** The script of a page that uses the client; the test calls `run`. */
const PAGE = /* js */ `
  import { createUploadClient } from '/src/client/client.ts'

  export const reported = []
  export async function run({ url, token, options, reloadAt = Infinity }) {
    const client = createUploadClient({ url, token })
    const [file] = document.querySelector('input').files
    const upload = await client.upload(file, {
      ...options,
      onProgress(progress) {
        reported.push(progress)
        if (progress.sentBytes >= reloadAt) location.reload()
      },
    })
    return { upload, reported, resumable: await client.resumable(), stored: { ...localStorage } }
  }
  export const resumable = (options) => createUploadClient(options).resumable()
  export const stored = () => Object.entries(localStorage).flat()
`

const outcome = z.object({
  upload: z.object({ uid: z.string(), status: z.string(), protocol: z.string() }),
  reported: z.array(
    z.object({
      phase: z.string(),
      fraction: z.number(),
      sentBytes: z.number(),
      upload: z.object({ uid: z.string() }).nullable(),
    }),
  ),
  resumable: z.array(z.unknown()),
  stored: z.record(z.string(), z.string()),
})

const WAIT = { timeout: 20_000, interval: 50 }
const TUS_OPTIONS: UploadOptions = { reliableConnection: false, chunkSizeBytes: CHUNK_BYTES }

let script = ''

async function start(sizeBytes: number) {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-client-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  // A file on disk keeps its name and date over a reload; a file from memory does not.
  const path = join(folder, 'holidays.mp4')
  await writeFile(path, Buffer.from(await paddedTestcard(sizeBytes).arrayBuffer()))

  const site = await serveSite(script)
  const gateway = await startTestGateway({
    AUTH_JWT_SECRET: TEST_SECRET,
    ALLOWED_ORIGINS: site.origin,
  })
  const opened = await openPage(site.url)
  const endpoint = { url: `${gateway.url}/graphql`, token: await tokenFor('ada') }
  return { gateway, site, path, endpoint, ...opened }
}

type Page = Awaited<ReturnType<typeof openPage>>['page']

function call(page: Page, name: string, args: object = {}): Promise<unknown> {
  return page.evaluate(`window.recipe.${name}(${JSON.stringify(args)})`)
}

describeInChromium('the client in a browser', () => {
  beforeAll(async () => {
    script = await bundleSite(PAGE)
  })

  it('uploads with one POST and reports progress in bytes', async () => {
    const { page, path, endpoint, errors } = await start(4_000_000)
    await page.setInputFiles('input', path)
    const network = await page.context().newCDPSession(page)
    await network.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: 8_000_000,
    })
    const { upload, reported, resumable, stored } = outcome.parse(await call(page, 'run', endpoint))
    expect(upload).toMatchObject({ status: 'READY', protocol: 'BASIC' })
    const fractions = reported.map(({ fraction }) => fraction)
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b))
    expect(fractions.at(-1)).toBe(1)
    const partial = reported.filter(({ sentBytes }) => sentBytes > 0 && sentBytes < 4_000_000)
    expect(partial.length).toBeGreaterThan(0)
    expect({ resumable, stored, errors }).toEqual({ resumable: [], stored: {}, errors: [] })
  })

  it('resolves a relative URL by the URL of the page', async () => {
    const { page, path, endpoint } = await start(1_000_000)
    await page.setInputFiles('input', path)
    const relative = { ...endpoint, url: endpoint.url.replace('http:', '') }
    const { upload } = outcome.parse(await call(page, 'run', relative))
    expect(upload).toMatchObject({ status: 'READY' })
    for (const url of [undefined, 'localhost:4000/graphql']) {
      await expect(call(page, 'run', { url })).rejects.toThrow('url: must be an absolute')
    }
  })

  it('resumes a tus upload after a reload', async () => {
    const { page, path, endpoint, gateway, errors } = await start(16_000_000)
    await page.setInputFiles('input', path)
    const reloaded = page.waitForEvent('load')
    const runArgs = { ...endpoint, options: TUS_OPTIONS, reloadAt: 2 * CHUNK_BYTES }
    await call(page, 'run', runArgs).catch(() => null)
    await reloaded

    const listed = z
      .array(z.object({ uid: z.string(), name: z.string(), sizeBytes: z.number() }))
      .parse(await call(page, 'resumable', endpoint))
    expect(listed).toMatchObject([{ name: 'holidays.mp4', sizeBytes: 16_000_000 }])
    expect(JSON.stringify(await call(page, 'stored'))).not.toMatch(/https?:|\bada\b/)

    await page.setInputFiles('input', path)
    const { upload, reported } = outcome.parse(
      await call(page, 'run', { ...endpoint, options: TUS_OPTIONS }),
    )
    expect(upload).toMatchObject({ uid: listed[0]?.uid, status: 'READY', protocol: 'TUS' })
    const firstSent = reported.find(
      (progress) => progress.phase === 'uploading' && progress.sentBytes > 0,
    )
    expect(firstSent?.sentBytes).toBeGreaterThanOrEqual(2 * CHUNK_BYTES)
    const { videos, requests } = await gateway.emulator.state()
    expect(videos).toHaveLength(1)
    expect(requests['tus_create']).toBe(1)
    expect(errors).toEqual([])
  })

  it.each<[string, UploadOptions]>([
    ['tus', TUS_OPTIONS],
    ['basic', { protocol: 'BASIC' }],
  ])('ends a %s upload in the middle of a request when it is deleted', async (_name, options) => {
    const { page, path, endpoint, gateway, errors } = await start(6_000_000)
    await page.setInputFiles('input', path)
    await gateway.emulator.fault({ on: 'upload', delayMs: 3_600_000 })
    const message = call(page, 'run', { ...endpoint, options }).then(
      () => 'no error',
      (error: unknown) => String(error),
    )
    const uid = await vi.waitFor(async () => {
      const { faults, videos } = await gateway.emulator.state()
      expect(faults).toEqual([])
      return videos[0]?.uid ?? ''
    }, WAIT)
    await clientOf(gateway, { token: endpoint.token }).delete(uid)
    expect(await message).toContain('The upload was deleted during the transfer.')
    expect(await call(page, 'resumable', endpoint)).toEqual([])
    expect(errors).toEqual([])
  })

  it('uploads a file once when two tabs upload it', async () => {
    const { page, path, endpoint, gateway, site, errors } = await start(16_000_000)
    const other = await page.context().newPage()
    await other.goto(site.url)
    const runArgs = { ...endpoint, options: TUS_OPTIONS }
    const outcomes = await Promise.all(
      [page, other].map(async (tab) => {
        await tab.setInputFiles('input', path)
        return outcome.parse(await call(tab, 'run', runArgs))
      }),
    )
    expect(outcomes[0]?.upload).toMatchObject({ status: 'READY' })
    expect(outcomes[1]?.upload).toEqual(outcomes[0]?.upload)
    const { videos, requests } = await gateway.emulator.state()
    expect(videos).toHaveLength(1)
    expect(requests).toMatchObject({ tus_create: 1, tus_patch: 4 })
    expect(errors).toEqual([])
  })
})
