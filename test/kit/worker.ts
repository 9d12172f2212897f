/** Runs a Worker in workerd, from a module that is bundled as wrangler would. */
import { fileURLToPath } from 'node:url'
import { Miniflare } from 'miniflare'
import { build } from 'vite'
import { onTestFinished } from 'vitest'

/** What a published package's names stand for here. */
const alias = {
  'headgate/emulator/binding': fileURLToPath(
    new URL('../../src/emulator/binding/stream-binding.ts', import.meta.url),
  ),
}

/** One module of all that the entry imports. Nothing of Node is to be had in it. */
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
    throw new Error(`The Worker became ${chunks.length} modules, and not one.`)
  }
  return only.code
}

/**
 * A Worker that is stopped when the test is over.
 * @param entry path of its main module
 * @param simulated the name under which it has Cloudflare's own simulator of Stream
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
