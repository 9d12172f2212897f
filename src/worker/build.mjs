/**
 * `npm run build:worker`: bundles the Worker with the settings of wrangler and prints its size.
 * Arguments: output file (default: dist/worker/worker.js) and entry (default: src/worker.ts).
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const [outfile = 'dist/worker/worker.js', entry = 'src/worker.ts'] = process.argv.slice(2)
const { metafile } = await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  minify: true,
  keepNames: true,
  format: 'esm',
  platform: 'neutral',
  target: 'es2023',
  mainFields: ['browser', 'module', 'main'],
  conditions: ['workerd', 'worker', 'browser'],
  external: ['cloudflare:*', 'node:*'],
  metafile: true,
})
writeFileSync(`${outfile}.json`, JSON.stringify(metafile))
const bytes = gzipSync(readFileSync(outfile)).length
process.stdout.write(`${outfile}: ${Math.ceil(bytes / 1024)} KiB gzipped\n`)
