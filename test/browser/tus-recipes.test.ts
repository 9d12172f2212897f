/** Runs the recipes of src/http/tus/README.md in a browser, from another origin than the gateway's. */
import type { Uppy } from '@uppy/core'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { paddedTestcard } from '../kit/media.ts'
import { watchToEnd } from '../kit/operations.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'
import { readRecipe } from './kit/recipe.ts'
import { startSite } from './kit/site.ts'

/** Exports of the recipes. */
declare global {
  interface Window {
    readonly recipe: {
      createUploader(options: UploadOptions & { onUid: (uid: string) => void }): Uppy
      upload(
        file: File,
        options: UploadOptions & { onProgress?: (sent: number) => void },
      ): Promise<string | null>
    }
  }
}

interface UploadOptions {
  readonly endpoint: string
  readonly token: string
}

/** More than one chunk of the smallest allowed size, so that a second chunk is sent. */
const FILE_BYTES = 6_000_000

const uploadResult = z.object({
  upload: z.object({
    creator: z.string(),
    name: z.string().nullable(),
    protocol: z.literal('TUS'),
    meta: z.record(z.string(), z.unknown()),
    constraints: z.object({ maxDurationSeconds: z.number() }),
  }),
})
const UPLOAD =
  'query ($uid: ID!) { upload(uid: $uid) { creator name protocol meta constraints { maxDurationSeconds } } }'

async function start(recipe: string) {
  const site = await startSite(readRecipe('src/http/tus/README.md', recipe))
  const gateway = await startTestGateway({
    AUTH_JWT_SECRET: TEST_SECRET,
    ALLOWED_ORIGINS: site.origin,
  })
  const token = await tokenFor('ada')
  const opened = await openPage(site.url)
  await opened.page.setInputFiles('input', {
    name: 'holidays.mp4',
    mimeType: 'video/mp4',
    buffer: Buffer.from(await paddedTestcard(FILE_BYTES).arrayBuffer()),
  })
  const options = { endpoint: `${gateway.url}/tus`, token }
  return { gateway, site, options, ...opened, caller: gateway.as(token) }
}

describeInChromium('the tus endpoint from another origin', () => {
  it('accepts an upload by Uppy', async () => {
    const { page, errors, origins, options, gateway, site, caller } = await start('uppy.js')
    const uid = await page.evaluate(async (args) => {
      const uids: string[] = []
      const uppy = window.recipe.createUploader({
        ...args,
        onUid: (created: string) => uids.push(created),
      })
      const [file] = document.querySelector('input')?.files ?? []
      if (file === undefined) throw new Error('No file was chosen.')
      uppy.addFile({ name: file.name, type: file.type, data: file })
      await new Promise((resolve, reject) => {
        uppy.on('complete', resolve)
        uppy.on('error', reject)
      })
      return uids.join()
    }, options)

    const { upload } = await caller.request(uploadResult, UPLOAD, { uid })
    expect(upload).toMatchObject({
      creator: 'ada',
      name: 'holidays.mp4',
      meta: { filename: 'holidays.mp4', filetype: 'video/mp4' },
      // 6,000,000 bytes at 64 kbit/s.
      constraints: { maxDurationSeconds: 750 },
    })
    expect((await watchToEnd(caller, uid)).at(-1)?.status).toBe('READY')
    expect(errors).toEqual([])
    expect([...origins].toSorted()).toEqual(
      [site.origin, gateway.url, gateway.emulator.url].toSorted(),
    )
  })

  it('accepts an upload by tus-js-client', async () => {
    const { page, errors, options, caller } = await start('tus-js-client.js')
    const { uid, sent } = await page.evaluate(async (args) => {
      const [file] = document.querySelector('input')?.files ?? []
      if (file === undefined) throw new Error('No file was chosen.')
      let bytes = 0
      const id = await window.recipe.upload(file, {
        ...args,
        onProgress: (sentBytes: number) => {
          bytes = sentBytes
        },
      })
      return { uid: id, sent: bytes }
    }, options)

    expect(sent).toBe(FILE_BYTES)
    const { upload } = await caller.request(uploadResult, UPLOAD, { uid })
    expect(upload).toMatchObject({
      creator: 'ada',
      name: 'holidays.mp4',
      constraints: { maxDurationSeconds: 3600 },
    })
    expect(errors).toEqual([])
  })

  it('returns an error message that the page can read', async () => {
    const { page, options } = await start('tus-js-client.js')
    const message = await page.evaluate(async (args) => {
      const [file] = document.querySelector('input')?.files ?? []
      if (file === undefined) throw new Error('No file was chosen.')
      return window.recipe.upload(file, { ...args, token: 'stale' }).then(String, String)
    }, options)
    expect(message).toContain('Invalid Authorization header. It must be `Bearer` and a JWT.')
  })
})
