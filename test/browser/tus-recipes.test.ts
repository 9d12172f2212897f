/** The recipes of the tus door, as they stand in its page, in a browser and from another origin. */
import type { Uppy } from '@uppy/core'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { paddedTestcard } from '../kit/media.ts'
import { watchToEnd } from '../kit/operations.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'
import { readRecipe } from './kit/recipe.ts'
import { startSite } from './kit/site.ts'

/** What the recipes export. */
declare global {
  interface Window {
    readonly recipe: {
      createUploader(order: Order & { onUid: (uid: string) => void }): Uppy
      upload(
        file: File,
        order: Order & { onProgress?: (sent: number) => void },
      ): Promise<string | null>
    }
  }
}

interface Order {
  readonly endpoint: string
  readonly token: string
}

/** Over one chunk of the smallest legal size, so that a second one is sent. */
const FILE_BYTES = 6_000_000

const found = z.object({
  upload: z.object({
    creator: z.string(),
    name: z.string().nullable(),
    protocol: z.literal('TUS'),
    meta: z.record(z.string(), z.unknown()),
    constraints: z.object({ maxDurationSeconds: z.number() }),
  }),
})
const FIND =
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
  const order = { endpoint: `${gateway.url}/tus`, token }
  return { gateway, site, order, ...opened, caller: gateway.as(token) }
}

describeInChromium('the tus door from another origin', () => {
  it('takes Uppy', async () => {
    const { page, errors, origins, order, gateway, site, caller } = await start('uppy.js')
    const uid = await page.evaluate(async (given) => {
      const uids: string[] = []
      const uppy = window.recipe.createUploader({
        ...given,
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
    }, order)

    const { upload } = await caller.ask(found, FIND, { uid })
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

  it('takes tus-js-client', async () => {
    const { page, errors, order, caller } = await start('tus-js-client.js')
    const { uid, sent } = await page.evaluate(async (given) => {
      const [file] = document.querySelector('input')?.files ?? []
      if (file === undefined) throw new Error('No file was chosen.')
      let bytes = 0
      const id = await window.recipe.upload(file, {
        ...given,
        onProgress: (soFar: number) => {
          bytes = soFar
        },
      })
      return { uid: id, sent: bytes }
    }, order)

    expect(sent).toBe(FILE_BYTES)
    const { upload } = await caller.ask(found, FIND, { uid })
    expect(upload).toMatchObject({
      creator: 'ada',
      name: 'holidays.mp4',
      constraints: { maxDurationSeconds: 3600 },
    })
    expect(errors).toEqual([])
  })

  it('tells a page what is wrong, in words that it can read', async () => {
    const { page, order } = await start('tus-js-client.js')
    const refusal = await page.evaluate(async (given) => {
      const [file] = document.querySelector('input')?.files ?? []
      if (file === undefined) throw new Error('No file was chosen.')
      return window.recipe.upload(file, { ...given, token: 'stale' }).then(String, String)
    }, order)
    expect(refusal).toContain('Invalid Authorization header. It must be `Bearer` and a JWT.')
  })
})
