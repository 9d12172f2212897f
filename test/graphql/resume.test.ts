/** Resuming an upload after a page reload with data stored by the gateway. */
import { expect, it } from 'vitest'
import { z } from 'zod'
import { startTestGateway } from '../kit/gateway.ts'
import { paddedTestcard } from '../kit/media.ts'
import { createTusUpload, expectMinted, watchToEnd } from '../kit/operations.ts'
import { uploadByTus } from '../kit/tus.ts'

const CHUNK_BYTES = 5_242_880

it('resumes at uploadURL after a reload without sending the first chunk again', async () => {
  const gateway = await startTestGateway()
  const caller = gateway.as()
  const file = paddedTestcard(12_000_000)
  const minted = expectMinted(await createTusUpload(caller, { sizeBytes: file.size }))
  const first = await fetch(minted.uploadURL, {
    method: 'PATCH',
    headers: {
      'tus-resumable': '1.0.0',
      'upload-offset': '0',
      'content-type': 'application/offset+octet-stream',
    },
    body: await file.slice(0, CHUNK_BYTES).arrayBuffer(),
  })
  expect(first.status).toBe(204)

  // After the reload, the page knows only the uid; polling the upload returns the received bytes.
  const shape = z.object({
    upload: z.object({
      status: z.string(),
      uploadURL: z.string(),
      progress: z.object({ receivedBytes: z.number().nullable() }),
    }),
  })
  const readUpload = () =>
    caller.request(
      shape,
      'query ($uid: ID!) { upload(uid: $uid) { status uploadURL progress { receivedBytes } } }',
      { uid: minted.uid },
    )
  let current = await readUpload()
  while (current.upload.progress.receivedBytes === null) {
    gateway.clock.advance(1)
    current = await readUpload()
  }
  expect(current.upload).toMatchObject({
    status: 'UPLOADING',
    progress: { receivedBytes: CHUNK_BYTES },
  })

  let sent = 0
  const watched = watchToEnd(caller, minted.uid)
  await uploadByTus(current.upload.uploadURL, file, {
    chunkSize: CHUNK_BYTES,
    onChunkComplete: (chunkBytes) => {
      sent += chunkBytes
    },
  })
  expect(sent).toBe(file.size - CHUNK_BYTES)
  expect((await watched).at(-1)).toMatchObject({
    status: 'READY',
    progress: { receivedBytes: file.size },
  })
})
