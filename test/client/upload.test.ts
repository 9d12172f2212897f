/** Basic and tus uploads from a file to READY, with progress that never decreases. */
import { openAsBlob } from 'node:fs'
import { expect, it } from 'vitest'
import { type UploadProgress, createUploadClient } from '../../src/client/client.ts'
import { startTestGateway } from '../kit/gateway.ts'
import { paddedTestcard, testcard, testcardFile } from '../kit/media.ts'
import { CHUNK_BYTES, clientOf, phasesOf } from './kit.ts'

it('uploads a file with one POST and resolves at READY', async () => {
  const gateway = await startTestGateway()
  const reported: UploadProgress[] = []
  const ready = await clientOf(gateway).upload(testcardFile(), {
    onProgress: (progress) => reported.push(progress),
  })
  expect(ready).toMatchObject({
    status: 'READY',
    protocol: 'BASIC',
    name: 'testcard.mp4',
    constraints: { maxDurationSeconds: 7 },
    video: { durationSeconds: testcard.durationSeconds, width: testcard.width },
  })
  expect(phasesOf(reported)).toEqual(['minting', 'uploading', 'processing', 'ready'])
  expect(reported.at(-1)).toMatchObject({ fraction: 1, sentBytes: testcard.bytes.length })
  expect(reported.at(-1)?.upload).toEqual(ready)
  expectRising(reported)
})

it('uploads a file with tus in chunks and resolves at READY', async () => {
  const gateway = await startTestGateway()
  const reported: UploadProgress[] = []
  const file = paddedTestcard(12_000_000)
  const ready = await clientOf(gateway).upload(file, {
    reliableConnection: false,
    chunkSizeBytes: CHUNK_BYTES,
    name: 'In three chunks',
    meta: { album: 'tests' },
    onProgress: (progress) => reported.push(progress),
  })
  expect(ready).toMatchObject({
    status: 'READY',
    protocol: 'TUS',
    name: 'In three chunks',
    meta: { album: 'tests' },
    video: { sizeBytes: file.size },
  })
  const { requests } = await gateway.emulator.state()
  expect(requests).toMatchObject({ tus_create: 1, tus_head: 1, tus_patch: 3 })
  expect(phasesOf(reported)).toEqual(['minting', 'uploading', 'processing', 'ready'])
  expect(reported.map(({ sentBytes }) => sentBytes)).toContain(CHUNK_BYTES)
  expect(reported[0]?.reason).toMatch(/may break/)
  expectRising(reported)
})

it.each([
  ['a Blob of a file on disk', () => openAsBlob(testcard.path)],
  ['a Uint8Array', () => testcard.bytes],
  ['a Buffer that is part of a larger one', () => Buffer.concat([testcard.bytes]).subarray()],
])('accepts %s', async (_name, open) => {
  const gateway = await startTestGateway()
  const ready = await clientOf(gateway).upload(await open())
  expect(ready).toMatchObject({ name: null, video: { sizeBytes: testcard.bytes.length } })
})

it('uploads a private video, which has no plain addresses', async () => {
  const gateway = await startTestGateway()
  const ready = await clientOf(gateway).upload(testcardFile(), { requireSignedURLs: true })
  expect(ready).toMatchObject({
    status: 'READY',
    video: { durationSeconds: testcard.durationSeconds, hlsURL: null, previewURL: null },
  })
})

it('finds, watches and deletes an upload', async () => {
  const gateway = await startTestGateway()
  const client = createUploadClient({ url: `${gateway.url}/graphql` })
  const { uid } = await client.upload(testcardFile())
  expect(await client.find(uid)).toMatchObject({ status: 'READY' })
  const states = []
  for await (const state of client.watch(uid)) states.push(state.status)
  expect(states).toEqual(['READY'])
  expect(await client.delete(uid)).toMatchObject({ status: 'DELETED' })
  expect(await client.find('f'.repeat(32))).toBeNull()
})

function expectRising(reported: readonly UploadProgress[]): void {
  for (const field of ['fraction', 'sentBytes'] as const) {
    const values = reported.map((progress) => progress[field])
    expect(values).toEqual(values.toSorted((a, b) => a - b))
  }
}
