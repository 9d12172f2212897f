/** Runs a Worker in workerd, from a module bundled as wrangler does. */
import { fileURLToPath } from 'node:url'
import { Miniflare } from 'miniflare'
import { build } from 'vite'
import { onTestFinished } from 'vitest'

/** Package names resolved to sources. */
const alias = {
  'headgate/emulator/binding': fileURLToPath(
    new URL('../../src/emulator/binding/stream-binding.ts', import.meta.url),
  ),
}

/** Bundles the entry and its imports into one module without Node built-ins. */
async function bundleWorker(entry: string): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    resolve: { alias },
    build: {
      write: false,
      minify: false,
      modulePreload: false,
      rollupOptions: { input: entry, preserveEntrySignatures: 'strict' },
    },
  })
  const outputs = Array.isArray(built) ? built : [built]
  const chunks = outputs
    .flatMap((output) => ('output' in output ? output.output : []))
    .filter((output) => output.type === 'chunk')
  const [only] = chunks
  if (only === undefined || chunks.length > 1) {
    throw new Error(`The Worker has ${chunks.length} modules; expected one.`)
  }
  return only.code
}

/**
 * Starts a Worker that is stopped when the test ends.
 * @param entry path of its main module
 * @param simulated binding name of Cloudflare's own simulator of Stream
 */
export async function startWorker(entry: string, simulated?: string): Promise<Miniflare> {
  const worker = new Miniflare({
    modules: true,
    script: await bundleWorker(entry),
    compatibilityDate: '2026-03-01',
    ...(simulated === undefined ? {} : { stream: { binding: simulated } }),
  })
  onTestFinished(() => worker.dispose())
  await worker.ready
  return worker
}
