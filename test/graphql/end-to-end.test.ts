/** End to end: create, upload and watch, by both protocols, with unmodified clients. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { startTestGateway } from '../kit/gateway.ts'
import { paddedTestcard, testcard, testcardFile } from '../kit/media.ts'
import {
  createDirectUpload,
  createTusUpload,
  expectMinted,
  postFile,
  watchToEnd,
} from '../kit/operations.ts'
import { uploadByTus } from '../kit/tus.ts'

const run = promisify(execFile)

it('processes a basic upload from the POST to READY', async () => {
  const gateway = await startTestGateway()
  const caller = gateway.as()
  const { uid, uploadURL } = expectMinted(await createDirectUpload(caller))
  const watched = watchToEnd(caller, uid)

  expect((await postFile(uploadURL, testcardFile())).status).toBe(200)

  const states = await watched
  expect(states[0]).toMatchObject({ status: 'PENDING_UPLOAD', version: 1, video: null })
  expect(states.at(-1)).toMatchObject({
    status: 'READY',
    failure: null,
    progress: {
      totalBytes: testcard.bytes.length,
      receivedBytes: testcard.bytes.length,
      encodingPercent: 100,
    },
    video: {
      durationSeconds: testcard.durationSeconds,
      width: testcard.width,
      height: testcard.height,
      sizeBytes: testcard.bytes.length,
    },
  })
  const versions = states.map((state) => state.version)
  expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b))
})

it('processes a tus upload of more than 200 MB to READY', async () => {
  const gateway = await startTestGateway()
  const caller = gateway.as()
  const sizeBytes = 201_000_000
  const minted = await createTusUpload(caller, { sizeBytes })
  expect(minted).toMatchObject({ chunkSizeBytes: 52_428_800 })
  const { uid, uploadURL } = expectMinted(minted)
  const watched = watchToEnd(caller, uid)

  await uploadByTus(uploadURL, paddedTestcard(sizeBytes))

  expect((await watched).at(-1)).toMatchObject({
    status: 'READY',
    progress: { totalBytes: sizeBytes, receivedBytes: sizeBytes },
    video: {
      durationSeconds: testcard.durationSeconds,
      width: testcard.width,
      height: testcard.height,
      sizeBytes,
    },
  })
})

it('works with curl only', async () => {
  const gateway = await startTestGateway()
  const query =
    'mutation { createDirectUpload(input: { maxDurationSeconds: 60 }) { ... on CreateDirectUploadSuccess { uploadURL upload { uid } } } }'
  const mint = await run('curl', [
    '--silent',
    '--json',
    JSON.stringify({ query }),
    `${gateway.url}/graphql`,
  ])
  const { createDirectUpload: minted } = z
    .object({
      data: z.object({
        createDirectUpload: z.object({
          uploadURL: z.string(),
          upload: z.object({ uid: z.string() }),
        }),
      }),
    })
    .parse(JSON.parse(mint.stdout)).data

  const post = await run('curl', [
    '--silent',
    '--write-out',
    '%{http_code}',
    '--output',
    '/dev/null',
    '--form',
    `file=@${testcard.path}`,
    minted.uploadURL,
  ])
  expect(post.stdout).toBe('200')
  const states = await watchToEnd(gateway.as(), minted.upload.uid)
  expect(states.at(-1)?.status).toBe('READY')
})

it('reports UPLOADING while a watched tus upload is in progress', async () => {
  const gateway = await startTestGateway()
  const caller = gateway.as()
  const sizeBytes = 12_000_000
  const { uid, uploadURL } = expectMinted(await createTusUpload(caller, { sizeBytes }))
  const file = paddedTestcard(sizeBytes)
  const first = file.slice(0, 5_242_880)
  const response = await fetch(uploadURL, {
    method: 'PATCH',
    headers: {
      'tus-resumable': '1.0.0',
      'upload-offset': '0',
      'content-type': 'application/offset+octet-stream',
    },
    body: await first.arrayBuffer(),
  })
  expect(response.status).toBe(204)

  const seen: string[] = []
  const watched = (async () => {
    for (const state of await watchToEnd(caller, uid)) {
      seen.push(`${state.status} ${state.progress.receivedBytes}`)
    }
  })()
  const uploadStatus = z.object({ uploadStatus: z.object({ status: z.string() }) })
  const document = 'subscription ($uid: ID!) { uploadStatus(uid: $uid) { status } }'
  for await (const result of caller.watch(uploadStatus, document, { uid })) {
    gateway.clock.advance(2)
    if (result.uploadStatus.status === 'UPLOADING') break
  }
  await uploadByTus(uploadURL, file)
  await watched
  expect(seen).toContain('UPLOADING 5242880')
  expect(seen.at(-1)).toBe(`READY ${sizeBytes}`)
})
