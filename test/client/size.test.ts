/** The size of the client's browser bundle, minified and gzipped. */
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { bundleClient } from './bundle.ts'

it('is smaller than 20 KiB and uses no Node API', async () => {
  const bundle = await bundleClient()
  const kibibytes = gzipSync(bundle).byteLength / 1024
  process.stdout.write(`headgate/client: ${kibibytes.toFixed(1)} KiB gzipped\n`)
  expect(bundle).toContain('idempotencyKey')
  expect(bundle).not.toMatch(/node:|\brequire\(|\bprocess\.|\bBuffer\.from\(/)
  expect(kibibytes).toBeLessThan(20)
})
