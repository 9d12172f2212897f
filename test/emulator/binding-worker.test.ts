/** Runs the code of the README about `env.STREAM` in workerd and uploads a real file. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { createStreamBinding } from '../../src/emulator/binding/stream-binding.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { testcard, testcardFile } from '../kit/media.ts'
import { startWorker } from '../kit/worker.ts'

const mintedSchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  uploadURL: z.url(),
  watermark: z.null(),
  scheduledDeletion: z.null(),
})

/** Writes the named code blocks of the README to a folder, with the URL of this emulator. */
async function writePage(apiBaseUrl: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-worker-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const page = await readFile('src/emulator/binding/README.md', 'utf8')
  const blocks = [...page.matchAll(/^```js (\S+)\n([^]*?)^```$/gm)]
  expect(blocks.map(([, name]) => name)).toEqual(['worker.js', 'dev.js'])
  for (const [, name = '', code = ''] of blocks) {
    const configured = code.replace('http://127.0.0.1:4001/client/v4', apiBaseUrl)
    expect(configured === code).toBe(name === 'worker.js')
    await writeFile(join(folder, name), configured)
  }
  return folder
}

test('a Worker in workerd creates an upload URL that accepts a real file', async () => {
  const emulator = await startTestEmulator({ encodeMs: 60_000 })
  const folder = await writePage(emulator.apiBaseUrl)
  const worker = await startWorker(join(folder, 'dev.js'))
  const response = await worker.dispatchFetch('http://worker.example.com/')
  const minted = mintedSchema.parse(await response.json())

  const body = new FormData()
  body.set('file', testcardFile())
  expect((await fetch(minted.uploadURL, { method: 'POST', body })).status).toBe(200)
  await emulator.advanceClock(61)
  expect(await createStreamBinding(emulator).video(minted.id).details()).toMatchObject({
    status: { state: 'ready' },
    maxDurationSeconds: 3600,
    duration: testcard.durationSeconds,
  })
})

test("the same Worker fails with Cloudflare's simulator, which has no direct uploads", async () => {
  const folder = await writePage('http://127.0.0.1:1/client/v4')
  const worker = await startWorker(join(folder, 'worker.js'), 'STREAM')
  const response = await worker.dispatchFetch('http://worker.example.com/')
  expect(response.status).toBe(500)
  expect(await response.text()).toMatch(/not supported in local mode/)
})
