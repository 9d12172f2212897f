/** What is deployed: small enough to start at once, and with nothing of Node in it. */
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { bundleWorker } from '../kit/gateway-worker.ts'

const MAX_BYTES = 1024 * 1024

test('is below 1 MiB as it is sent', async () => {
  const { text } = await bundleWorker()
  const bytes = gzipSync(text).length
  expect(bytes).toBeGreaterThan(50_000)
  expect(bytes).toBeLessThan(MAX_BYTES)
})

test('asks nothing of its host but what Workers have', async () => {
  const { inputs } = await bundleWorker()
  const outside = Object.values(inputs)
    .flatMap(({ imports }) => imports)
    .flatMap(({ path, external }) => (external === true ? [path] : []))
    // What esbuild itself adds.
    .filter((path) => path !== '<runtime>')
  expect([...new Set(outside)]).toEqual(['cloudflare:workers'])
})

test('leaves out what is for Node, for tests and for looking at', async () => {
  const files = Object.keys((await bundleWorker()).inputs)
  expect(files).toContain('src/worker/hub/hub.ts')
  const rooms = /^src\/(?:node|emulator|console|client|commands|postgres|demo)\/|^test\//
  const packages =
    /node_modules\/(?:pg|pino|undici|ws|better-sqlite3|prom-client|zod|@graphql-yoga\/render-graphiql)\//
  expect(files.filter((file) => rooms.test(file) || packages.test(file))).toEqual([])
})
