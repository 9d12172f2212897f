/** The sizes of the modules for frontends, bundled by Vite, minified and gzipped. */
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, it } from 'vitest'
import { bundleClient, bundleEntry, bundlePage } from './bundle.ts'

/** Prints and returns the size in KiB. */
function sizeOf(name: string, code: string | Uint8Array): number {
  const kibibytes = gzipSync(code).byteLength / 1024
  process.stdout.write(`${name}: ${kibibytes.toFixed(1)} KiB gzipped\n`)
  return kibibytes
}

it('headgate/client has at most 20 KiB, uses no Node API and no other tus client', async () => {
  const bundle = await bundleClient()
  expect(bundle).toContain('idempotencyKey')
  expect(bundle).not.toMatch(/["'`]node:|\brequire\(|\bprocess\.|\bBuffer\.from\(/)
  // The client has a tus client of its own: tus-js-client would count twice.
  expect(bundle.split('application/offset+octet-stream')).toHaveLength(2)
  expect(sizeOf('headgate/client', bundle)).toBeLessThanOrEqual(20)
})

it('headgate/client has at most 20 KiB if esbuild bundles it', async () => {
  const { outputFiles } = await build({
    entryPoints: ['src/client/client.ts'],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
  })
  const [{ contents } = { contents: new Uint8Array() }] = outputFiles
  expect(contents.byteLength).toBeGreaterThan(0)
  expect(sizeOf('headgate/client by esbuild', contents)).toBeLessThanOrEqual(20)
})

it.each([
  ['headgate/react', 'react/react.ts', /^react$|\/client\/client\.ts$/, 4],
  ['headgate/uppy', 'uppy/uppy.ts', /^@uppy\/core$|\/client\/client\.ts$/, 3],
] as const)(
  '%s has few KiB without its peer and the client',
  async (name, path, outside, limit) => {
    const bundle = await bundleEntry(path, (specifier) => outside.test(specifier))
    expect(sizeOf(name, bundle)).toBeLessThanOrEqual(limit)
  },
)

it('a page that uploads one file leaves the queue out', async () => {
  const alone = await bundlePage(
    "import { createUploadClient } from 'client'\nwindow.client = createUploadClient({ url: '/graphql' })",
  )
  const both = await bundlePage(
    "import { createUploadClient, createUploadQueue } from 'client'\nwindow.queue = createUploadQueue(createUploadClient({ url: '/graphql' }))",
  )
  expect(both).toContain('needs-file')
  expect(alone).toContain('idempotencyKey')
  expect(alone).not.toContain('needs-file')
  const queueKibibytes =
    sizeOf('client and queue', both) - sizeOf('createUploadClient alone', alone)
  expect(queueKibibytes).toBeGreaterThan(1)
})
