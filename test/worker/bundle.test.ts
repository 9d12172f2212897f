/** The deployed bundle of the Worker: its size and its contents. */
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { bundleWorker } from '../kit/gateway-worker.ts'

const MAX_BYTES = 1024 * 1024

test('is smaller than 1 MiB compressed', async () => {
  const { text } = await bundleWorker()
  const bytes = gzipSync(text).length
  expect(bytes).toBeGreaterThan(50_000)
  expect(bytes).toBeLessThan(MAX_BYTES)
})

test('imports only modules that Workers provide', async () => {
  const { inputs } = await bundleWorker()
  const externalImports = Object.values(inputs)
    .flatMap(({ imports }) => imports)
    .flatMap(({ path, external }) => (external === true ? [path] : []))
    // Added by esbuild.
    .filter((path) => path !== '<runtime>')
  expect([...new Set(externalImports)]).toEqual(['cloudflare:workers'])
})

test('contains no code for Node, for tests or for the browser', async () => {
  const files = Object.keys((await bundleWorker()).inputs)
  expect(files).toContain('src/worker/hub/hub.ts')
  const excludedFolders = /^src\/(?:node|emulator|console|client|commands|postgres|demo)\/|^test\//
  // The documents of the client, which are trusted besides those of the operator.
  const documents = /^src\/client\/(?:shape|gateway\/(?:operations|playback|upload))\.ts$/
  const excludedPackages =
    /node_modules\/(?:pg|pino|undici|ws|better-sqlite3|prom-client|zod|@graphql-yoga\/render-graphiql)\//
  const excluded = files.filter((file) => excludedFolders.test(file) || excludedPackages.test(file))
  expect(excluded.filter((file) => !documents.test(file))).toEqual([])
})
