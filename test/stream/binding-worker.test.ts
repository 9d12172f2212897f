/** The binding's adapter in workerd, over RPC: against the only binding that Cloudflare has to offer locally. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startWorker } from '../kit/worker.ts'

test('finds, lists, changes and deletes, and reads the errors that RPC has left', async () => {
  const entry = fileURLToPath(new URL('simulated-worker.ts', import.meta.url))
  const worker = await startWorker(entry, 'STREAM')
  const answer = await worker.dispatchFetch('http://worker.example.com/', {
    method: 'POST',
    body: 'a video',
  })
  expect(answer.status).toBe(200)
  const video = { state: 'ready', readyToStream: true, createdAt: expect.stringMatching(/Z$/) }
  const changed = { ...video, creator: 'eve', meta: { name: 'y.mp4' } }
  expect(await answer.json()).toMatchObject({
    found: { ...video, creator: 'ada', meta: { name: 'x.mp4', headgate: 'here/1' }, sizeBytes: 7 },
    changed,
    listed: { videos: [changed], total: 1 },
    asked: { videos: [changed], total: 1 },
    absent: [null, null, false],
    minted: {
      kind: 'invalid',
      mayHaveSucceeded: false,
      message: expect.stringMatching(/BadRequestError, HTTP 400\): createDirectUpload is not/),
    },
    deleted: [true, false],
  })
})
