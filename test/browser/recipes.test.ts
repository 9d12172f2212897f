/** Runs the recipes of src/graphql/recipes.md in a browser, from another origin than the gateway's. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcard, testcardFile } from '../kit/media.ts'
import { createDirectUpload, expectMinted, postFile } from '../kit/operations.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'
import { type Frontend, createFrontend, hasNoPackages, packagesHint } from './kit/frontend.ts'
import { readRecipe } from './kit/recipe.ts'
import { compileRelay } from './kit/relay.ts'
import { bundleSite, serveSite } from './kit/site.ts'

const PAGE = 'src/graphql/recipes.md'

/** Code blocks of each client; `entry` exports `createClient`, `upload` and `watch`. */
const recipes: Readonly<Record<string, { readonly files: readonly string[]; entry: string }>> = {
  'Apollo Client over SSE': {
    files: [
      'src/operations.ts',
      'src/apollo-cache.ts',
      'src/apollo-sse.ts',
      'src/apollo-upload.ts',
    ],
    entry: `export { createApolloClient as createClient } from '/src/apollo-sse.ts'
      export { upload, watch } from '/src/apollo-upload.ts'`,
  },
  'Apollo Client over WebSocket': {
    files: [
      'src/operations.ts',
      'src/apollo-cache.ts',
      'src/apollo-websocket.ts',
      'src/apollo-upload.ts',
    ],
    entry: `export { createApolloClient as createClient } from '/src/apollo-websocket.ts'
      export { upload, watch } from '/src/apollo-upload.ts'`,
  },
  urql: {
    files: ['src/operations.ts', 'src/urql-client.ts', 'src/urql-upload.ts'],
    entry: `export { createUrqlClient as createClient } from '/src/urql-client.ts'
      export { upload, watch } from '/src/urql-upload.ts'`,
  },
  Relay: {
    files: ['src/operations.ts', 'relay.config.json', 'src/environment.ts', 'src/upload.ts'],
    entry: `export { createEnvironment as createClient } from '/src/environment.ts'
      export { upload, watch } from '/src/upload.ts'`,
  },
}

/** Module on the page, which the test calls; the test provides `nextToken`. */
const DRIVER = /* js */ `
  import { createClient, upload, watch } from 'virtual:recipe.js'
  const start = (url) => createClient({ url, getToken: () => window.nextToken() })
  export const seen = []
  const record = ({ status }) => { seen.push(status) }
  export async function send({ url, input }) {
    const [file] = document.querySelector('input').files
    try {
      return { upload: await upload(start(url), file, input, record), seen }
    } catch (error) {
      return { error: { ...error, message: error.message } }
    }
  }
  export const watchMissing = ({ url }) =>
    watch(start(url), '0'.repeat(32), record).then(() => 'No error.', ({ message }) => message)
  export const watchToEnd = async ({ url, uid }) => ({ upload: await watch(start(url), uid, record), seen })
`

const ready = z.object({
  upload: z.object({
    uid: z.string(),
    status: z.string(),
    video: z.object({ hlsURL: z.url(), durationSeconds: z.number() }),
    failure: z.null(),
  }),
  seen: z.array(z.string()),
})
const rejected = z.object({
  error: z.object({
    __typename: z.string(),
    code: z.string(),
    message: z.string(),
    issues: z.array(z.object({ path: z.array(z.string()), message: z.string() })),
  }),
})

describeInChromium(`the recipes for GraphQL clients${packagesHint}`, () => {
  describe.skipIf(hasNoPackages).each(Object.entries(recipes))('%s', (_name, recipe) => {
    let frontend: Frontend
    let script: string

    beforeAll(async () => {
      const isRelay = recipe.files.includes('relay.config.json')
      frontend = await createFrontend()
      for (const name of recipe.files) await frontend.write(name, readRecipe(PAGE, name))
      const plugins = isRelay ? [await compileRelay(frontend, readRecipe(PAGE, 'relay.sh'))] : []
      script = await bundleSite(recipe.entry, {
        folder: frontend.folder,
        plugins,
        driver: DRIVER,
      })
    }, 30_000)
    afterAll(() => frontend.remove())

    async function start(tokens: readonly string[]) {
      const site = await serveSite(script)
      const gateway = await startTestGateway({
        AUTH_JWT_SECRET: TEST_SECRET,
        ALLOWED_ORIGINS: site.origin,
      })
      const opened = await openPage(site.url)
      let tokenRequests = 0
      await opened.page.exposeFunction('nextToken', () => tokens[tokenRequests++] ?? tokens.at(-1))
      const call = (name: string, args: object = {}): Promise<unknown> =>
        opened.page.evaluate(
          `window.recipe.${name}(${JSON.stringify({ url: `${gateway.url}/graphql`, ...args })})`,
        )
      return { gateway, site, call, countTokenRequests: () => tokenRequests, ...opened }
    }

    it('uploads a file until it is READY, and reports the error of a rejected upload', async () => {
      const { page, call, errors, origins, site, gateway } = await start([await tokenFor('ada')])
      await page.setInputFiles('input', testcard.path)
      const outcome = ready.parse(await call('send', { input: { maxDurationSeconds: 60 } }))
      expect(outcome.upload).toMatchObject({
        status: 'READY',
        video: { durationSeconds: testcard.durationSeconds },
      })
      expect(outcome.seen.at(-1)).toBe('READY')

      const rejection = rejected.parse(await call('send', { input: { maxDurationSeconds: 0 } }))
      expect(rejection.error).toMatchObject({
        __typename: 'InvalidInputError',
        code: 'INVALID_INPUT',
        issues: [{ path: ['maxDurationSeconds'] }],
      })
      expect(await call('watchMissing')).toContain(
        'Upload not found, or it belongs to another creator.',
      )
      expect(errors).toEqual([])
      const expected = [site.origin, gateway.url, gateway.emulator.url]
      const httpOrigins = [...origins].filter((origin) => origin.startsWith('http'))
      expect(httpOrigins.toSorted()).toEqual(expected.toSorted())
    })

    it('keeps watching with a new token when the first one expires', async () => {
      const inAMinute = Math.floor(Date.now() / 1000) + 60
      const { page, call, gateway, errors, countTokenRequests } = await start([
        await tokenFor('ada', { exp: inAMinute }),
        await tokenFor('ada'),
      ])
      const caller = gateway.as(await tokenFor('ada'))
      const { uid, uploadURL } = expectMinted(await createDirectUpload(caller))
      const watching = call('watchToEnd', { uid })
      await page.waitForFunction('window.recipe.seen.length === 1')
      gateway.clock.advance(90)
      await page.waitForFunction('window.recipe.seen.length === 2')
      await postFile(uploadURL, testcardFile())
      const { upload, seen } = ready.parse(await watching)
      expect(upload).toMatchObject({ uid, status: 'READY' })
      expect(seen.slice(0, 2)).toEqual(['PENDING_UPLOAD', 'PENDING_UPLOAD'])
      expect(countTokenRequests()).toBeGreaterThanOrEqual(2)
      expect(errors).toEqual([])
    })
  })
})
