/** The binding's adapter in workerd, over RPC, against Cloudflare's local simulator. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startWorker } from '../kit/worker.ts'

test('finds, lists, updates and deletes videos, and reads errors after RPC', async () => {
  const entry = fileURLToPath(new URL('simulated-worker.ts', import.meta.url))
  const worker = await startWorker(entry, 'STREAM')
  const response = await worker.dispatchFetch('http://worker.example.com/', {
    method: 'POST',
    body: 'a video',
  })
  expect(response.status).toBe(200)
  const video = { state: 'ready', readyToStream: true, createdAt: expect.stringMatching(/Z$/) }
  const changed = { ...video, creator: 'eve', meta: { name: 'y.mp4' } }
  expect(await response.json()).toMatchObject({
    found: { ...video, creator: 'ada', meta: { name: 'x.mp4', headgate: 'here/1' }, sizeBytes: 7 },
    changed,
    listed: { videos: [changed], total: 1 },
    byUids: { videos: [changed], total: 1 },
    absent: [null, null, false],
    minted: {
      kind: 'invalid',
      mayHaveSucceeded: false,
      message: expect.stringMatching(/BadRequestError, HTTP 400\): createDirectUpload is not/),
    },
    deleted: [true, false],
  })
})
