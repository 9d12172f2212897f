/** Runs the code blocks of the README and of the tus page unchanged, with their ports and file. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type TestContext, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { describeInChromium, openPage } from './browser/kit/chromium.ts'
import { readRecipe } from './browser/kit/recipe.ts'
import { bundleSite, serveSite } from './browser/kit/site.ts'
import { UploadError, createUploadClient } from '../src/client/client.ts'
import { callerOf, startTestGateway } from './kit/gateway.ts'
import { paddedTestcard, testcard, zeros } from './kit/media.ts'
import { createDirectUpload, expectMinted, watchToEnd } from './kit/operations.ts'

const repository = fileURLToPath(new URL('..', import.meta.url))
const readme = 'README.md'
const tusPage = 'src/http/tus/README.md'
const PORTS = { PORT: '4000', EMULATOR_PORT: '4001' }
const ENDPOINT = 'http://127.0.0.1:4000/graphql'

function read(page: string): string {
  return readFileSync(new URL(`../${page}`, import.meta.url), 'utf8')
}

/** Returns the only block of this language that contains this text. */
function block(page: string, language: string, text: string): string {
  const blocks = [...read(page).matchAll(/^```(\w+)\n([^]*?)^```$/gm)]
  const found = blocks.filter(([, name, code]) => name === language && code?.includes(text))
  const code = found[0]?.[2]
  if (code === undefined || found.length > 1) {
    throw new Error(`${page} has ${found.length} blocks of ${language} with "${text}".`)
  }
  return code
}

/** Starts a gateway as `npm start` does; skips the test if one of its ports is in use. */
async function startAsInReadme(context: TestContext, variables: Record<string, string> = {}) {
  for (const port of Object.values(PORTS)) {
    context.skip(!(await isFree(Number(port))), `port ${port} of the README is in use`)
  }
  return startTestGateway({ ...PORTS, ...variables })
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

async function shell(command: string): Promise<string> {
  const { stdout } = await promisify(execFile)('sh', ['-e', '-c', command], { cwd: repository })
  return stdout
}

const minted = z.object({
  data: z.object({
    createDirectUpload: z.object({
      __typename: z.literal('CreateDirectUploadSuccess'),
      uploadURL: z.url(),
      upload: z.object({ uid: z.string(), status: z.literal('PENDING_UPLOAD') }),
    }),
  }),
})
const recommended = z.object({
  data: z.object({
    recommendedProtocol: z.object({ protocol: z.string(), required: z.boolean() }),
  }),
})

async function runQuery<T extends z.ZodType>(shape: T, query: string): Promise<z.infer<T>> {
  const response = await fetch(ENDPOINT, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  })
  return shape.parse(await response.json())
}

describe('the README', () => {
  it('creates, uploads and watches an upload with curl', async (context) => {
    await startAsInReadme(context)
    const { data } = await runQuery(minted, block(readme, 'graphql', 'mutation Mint'))
    const { uploadURL, upload } = data.createDirectUpload
    await shell(block(readme, 'sh', 'curl --form').replace('UPLOAD_URL', uploadURL))
    const events = await shell(block(readme, 'sh', 'curl --no-buffer').replace('UID', upload.uid))
    expect(events).toMatch(/event: next\ndata: .*"status":"READY".*"previewURL":"http/)
    expect(events).toMatch(/event: complete\n/)
  })

  it('queries the recommended protocol for a file', async (context) => {
    await startAsInReadme(context)
    const [, query = ''] = /`(\{ recommendedProtocol[^`]*)`/.exec(read(readme)) ?? []
    const { data } = await runQuery(recommended, query)
    expect(data.recommendedProtocol).toEqual({ protocol: 'TUS', required: true })
  })
})

describe('the README on tokens and reservations', () => {
  it('signs tokens for two users, who see only their own uploads', async () => {
    const commands = block(readme, 'sh', 'for user in')
    const started = commands.replace('npm start', `printf 'secret %s' "$AUTH_JWT_SECRET"`)
    const values = new Map(
      (await shell(started)).split('\n').map((line): readonly [string, string] => {
        const [name = '', value = ''] = line.split(' ')
        return [name, value]
      }),
    )
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: values.get('secret') ?? '' })
    const list = z.object({ uploads: z.object({ nodes: z.array(z.object({ uid: z.string() })) }) })
    const uids = await Promise.all(
      ['ada', 'grace'].map(async (user) => {
        const caller = gateway.as(values.get(user))
        const { uid } = expectMinted(await createDirectUpload(caller))
        const { uploads } = await caller.request(list, '{ uploads { nodes { uid } } }')
        expect(uploads.nodes).toEqual([{ uid }])
        return uid
      }),
    )
    expect(new Set(uids).size).toBe(2)
  })

  it('says what the client reserves without maxDurationSeconds, as does its page', async () => {
    const gateway = await startTestGateway()
    const sizeBytes = 4_800_000
    const url = `${gateway.url}/graphql`
    const shape = z.object({
      upload: z.object({ constraints: z.object({ maxDurationSeconds: z.number() }) }),
    })
    const reservedFor = async (uid: string): Promise<number> => {
      const query = `{ upload(uid: "${uid}") { constraints { maxDurationSeconds } } }`
      const { upload } = await callerOf(url).request(shape, query)
      return upload.constraints.maxDurationSeconds
    }
    const client = createUploadClient({ url })
    const measured = await client.upload(paddedTestcard(sizeBytes))
    const unreadable = new Blob([zeros(sizeBytes)])
    const error: unknown = await client.upload(unreadable).catch((thrown: unknown) => thrown)
    if (!(error instanceof UploadError) || error.code !== 'VIDEO_FAILED') throw error
    for (const page of [readme, 'src/client/README.md']) {
      const text = read(page)
      const [, percent] = /(?:its|the) duration, (\d+) % and half a second/.exec(text) ?? []
      const [, kilobytes] = /one minute for each (\d+) kB/.exec(text) ?? []
      expect(await reservedFor(measured.uid)).toBe(
        Math.ceil(testcard.durationSeconds * (1 + Number(percent) / 100) + 0.5),
      )
      expect(await reservedFor(error.uid)).toBe((sizeBytes / (Number(kilobytes) * 1000)) * 60)
    }
  })
})

describeInChromium('the tus page in a browser', () => {
  it('uploads a file to the URL of createTusUpload with tus-js-client', async (context) => {
    const recipe = readRecipe(tusPage, 'src/graphql-tus-upload.ts')
    const driver = `import { send } from 'virtual:recipe.js'
      export const run = () => send(document.querySelector('input').files[0])`
    const site = await serveSite(await bundleSite(recipe, { driver }))
    const gateway = await startAsInReadme(context, { ALLOWED_ORIGINS: site.origin })
    const { page, errors } = await openPage(site.url)
    await page.setInputFiles('input', testcard.path)
    const uid = z.string().parse(await page.evaluate('window.recipe.run()'))
    expect((await watchToEnd(gateway.as(), uid)).at(-1)?.status).toBe('READY')
    expect(errors).toEqual([])
  })
})
