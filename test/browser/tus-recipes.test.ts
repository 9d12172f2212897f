/** Compiles the recipes of src/http/tus/README.md under strict, and runs them in a browser, from another origin than the gateway's. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Uppy } from '@uppy/core'
import { expect, it, onTestFinished } from 'vitest'
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

const repository = fileURLToPath(new URL('../..', import.meta.url))
const PAGE = 'src/http/tus/README.md'

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
  const site = await startSite(readRecipe(PAGE, recipe))
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

it('compiles under strict', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-tus-recipes-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'))
  for (const name of ['uppy.ts', 'tus-upload.ts', 'graphql-tus-upload.ts']) {
    await writeFile(join(folder, name), readRecipe(PAGE, `src/${name}`))
  }
  const options = {
    target: 'es2023',
    lib: ['es2023', 'dom', 'dom.iterable'],
    module: 'preserve',
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options }))
  const compiler = join(repository, 'node_modules/typescript/bin/tsc')
  const output = await promisify(execFile)(process.execPath, [compiler], { cwd: folder }).catch(
    (error: unknown) => error,
  )
  expect(output).toEqual({ stdout: '', stderr: '' })
})

describeInChromium('the tus endpoint from another origin', () => {
  it('accepts an upload by Uppy', async () => {
    const { page, errors, origins, options, gateway, site, caller } = await start('src/uppy.ts')
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
    const { page, errors, options, caller } = await start('src/tus-upload.ts')
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
    const { page, options } = await start('src/tus-upload.ts')
    const message = await page.evaluate(async (args) => {
      const [file] = document.querySelector('input')?.files ?? []
      if (file === undefined) throw new Error('No file was chosen.')
      return window.recipe.upload(file, { ...args, token: 'stale' }).then(String, String)
    }, options)
    expect(message).toContain('Invalid Authorization header. It must be `Bearer` and a JWT.')
  })
})
