/** A whole gateway whose way to Stream is the Workers binding, alone and with REST beside it. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createStreamBinding } from '../../src/emulator/binding/stream-binding.ts'
import type { StreamApi } from '../../src/uploads/ports/stream-api.ts'
import { createBindingStreamApi } from '../../src/stream/binding/binding-stream-api.ts'
import { combineBindingWithRest } from '../../src/stream/combine-apis.ts'
import type { TestEmulator } from '../kit/emulator.ts'
import { testcard, testcardFile } from '../kit/media.ts'
import { uploadByTus } from '../kit/tus.ts'
import { MINT, MINT_TUS } from '../fast-path/mutations.ts'
import { type Setup, createSetup } from '../fast-path/setup.ts'

const OPEN = { kind: 'disabled' } as const

/** With the binding alone. */
const alone = (_rest: StreamApi, emulator: TestEmulator) =>
  createBindingStreamApi(createStreamBinding(emulator))
/** With an API token as well. */
const beside = (rest: StreamApi, emulator: TestEmulator) =>
  combineBindingWithRest(alone(rest, emulator), rest)

const RECOMMENDED = `query ($sizeBytes: ByteCount!, $reliable: Boolean!) {
  recommendedProtocol(sizeBytes: $sizeBytes, reliableConnection: $reliable) { protocol required reason }
}`
const UPLOAD = `query ($uid: ID!) {
  upload(uid: $uid) { status name meta progress { receivedBytes } video { durationSeconds width height hlsURL dashURL } }
}`

const answerSchema = z.object({
  data: z.record(z.string(), z.json()).nullable(),
  errors: z
    .array(z.object({ message: z.string(), extensions: z.object({ code: z.string() }) }))
    .optional(),
})
const mintSchema = z.object({
  mint: z.looseObject({
    uploadURL: z.string(),
    upload: z.looseObject({ uid: z.string(), protocol: z.string() }),
  }),
})

/** What GraphQL answers, which never is a failure of the gateway itself. */
async function ask(setup: Setup, query: string, variables: object = {}) {
  const response = await fetch(`${setup.fallback}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  expect(response.status).toBe(200)
  expect(setup.errors).toEqual([])
  return answerSchema.parse(await response.json())
}

function createByTus(setup: Setup, sizeBytes: number): Promise<Response> {
  return fetch(`${setup.fallback}/tus`, {
    method: 'POST',
    headers: { 'tus-resumable': '1.0.0', 'upload-length': String(sizeBytes) },
  })
}

/** What came of it after the next look at Stream. */
async function lookAgain(setup: Setup, uid: string) {
  await setup.emulator.advanceClock(60)
  setup.clock.advance(60)
  await setup.gateway.syncOnce()
  return (await ask(setup, UPLOAD, { uid })).data
}

const READY = {
  upload: {
    status: 'READY',
    video: { durationSeconds: testcard.durationSeconds, width: 640, height: 360 },
  },
}

describe('the binding alone', () => {
  test('a basic upload goes its whole way, without a webhook', async () => {
    const setup = await createSetup({ auth: OPEN, stream: alone })
    const meta = { list: [1, null], text: 'x' }
    const input = { maxDurationSeconds: 60, name: 'Zoë.mp4', meta }
    const minted = mintSchema.parse((await ask(setup, MINT, { input })).data).mint
    const form = new FormData()
    form.set('file', testcardFile())
    expect((await fetch(minted.uploadURL, { method: 'POST', body: form })).status).toBe(200)
    const upload = await lookAgain(setup, minted.upload.uid)
    expect(upload).toMatchObject(READY)
    // Ours is answered as it was given, though the binding's meta holds text only.
    expect(upload).toMatchObject({ upload: { name: 'Zoë.mp4', meta } })
    const [video] = (await setup.emulator.state()).videos
    expect(video?.meta).toMatchObject({ name: 'Zoë.mp4', list: '[1,null]', text: 'x' })
  })

  test.each([
    [1000, /at most 200 MB: use `createDirectUpload`\.$/],
    [200_000_000, /at most 200 MB: use `createDirectUpload`\.$/],
    [200_000_001, /over 200 MB need a gateway with a Cloudflare API token/],
  ])('a tus upload of %i bytes is refused, and nothing is held', async (sizeBytes, sentence) => {
    const setup = await createSetup({ auth: OPEN, stream: alone })
    const input = { maxDurationSeconds: 60, sizeBytes, idempotencyKey: 'one' }
    for (let attempt = 0; attempt < 2; attempt += 1) {
      expect((await ask(setup, MINT_TUS, { input })).data).toEqual({
        mint: {
          __typename: 'StreamError',
          code: 'STREAM_REJECTED',
          retryable: false,
          message: expect.stringMatching(sentence),
        },
      })
    }
    const endpoint = await createByTus(setup, sizeBytes)
    expect(endpoint.status).toBe(422)
    expect(await endpoint.text()).toMatch(/tus uploads are not available/)
    expect((await setup.dependencies.store.quotaUsage()).reservedSeconds).toBe(0)
    expect((await setup.emulator.state()).requests).toMatchObject({ tus_create: 0 })
    // What is wrong with the input is still said first.
    const wrong = await ask(setup, MINT_TUS, { input: { ...input, maxDurationSeconds: 0 } })
    expect(wrong.data).toMatchObject({ mint: { code: 'INVALID_INPUT' } })
  })

  test.each([
    [1000, true, /at most 200 MB/],
    [1000, false, /at most 200 MB/],
    [200_000_001, true, /over 200 MB.*Reduce the file size/],
    [200_000_001, false, /over 200 MB.*Reduce the file size/],
  ])('%i bytes, reliable: %s → tus is not recommended', async (sizeBytes, reliable, reason) => {
    const setup = await createSetup({ auth: OPEN, stream: alone })
    expect((await ask(setup, RECOMMENDED, { sizeBytes, reliable })).data).toEqual({
      recommendedProtocol: {
        protocol: 'BASIC',
        required: true,
        reason: expect.stringMatching(reason),
      },
    })
  })

  test('the storage is not told, and it is said why', async () => {
    const setup = await createSetup({ auth: OPEN, stream: alone })
    const { data, errors } = await ask(setup, '{ storageUsage { storedMinutes } }')
    expect(data).toBeNull()
    expect(errors).toEqual([
      {
        message: expect.stringMatching(/Workers binding.*API token/),
        extensions: { code: 'STREAM_REJECTED' },
      },
    ])
  })

  test("spent storage is the caller's to know about", async () => {
    const setup = await createSetup({ auth: OPEN, stream: alone, storageMinutes: 1 })
    const { data } = await ask(setup, MINT, { input: { maxDurationSeconds: 61 } })
    expect(data).toMatchObject({ mint: { code: 'QUOTA_EXCEEDED', requestedMinutes: 61 / 60 } })
    expect((await setup.dependencies.store.quotaUsage()).reservedSeconds).toBe(0)
  })

  test('what a lost answer left behind is found and deleted', async () => {
    const setup = await createSetup({ auth: OPEN, stream: alone })
    await setup.emulator.fault({ on: 'direct_upload', hangUpAfter: true })
    const input = { maxDurationSeconds: 60, idempotencyKey: 'once' }
    const lost = await ask(setup, MINT, { input })
    expect(lost.data).toMatchObject({ mint: { code: 'STREAM_UNAVAILABLE', retryable: true } })
    expect((await setup.emulator.state()).videos).toHaveLength(1)
    expect((await setup.dependencies.store.quotaUsage()).reservedSeconds).toBe(60)
    setup.clock.advance(60)
    expect(await setup.gateway.syncOnce()).toMatchObject({ orphans: 1 })
    expect((await setup.emulator.state()).videos).toHaveLength(0)
    expect((await setup.dependencies.store.quotaUsage()).reservedSeconds).toBe(0)
    mintSchema.parse((await ask(setup, MINT, { input })).data)
  })

  test('a video that was deleted at Stream is seen to be gone', async () => {
    const setup = await createSetup({ auth: OPEN, stream: alone })
    const { mint } = mintSchema.parse(
      (await ask(setup, MINT, { input: { maxDurationSeconds: 60 } })).data,
    )
    // Stream knows the other one: it is the right account.
    await ask(setup, MINT, { input: { maxDurationSeconds: 60 } })
    await createStreamBinding(setup.emulator).video(mint.upload.uid).delete()
    setup.clock.advance(60)
    expect(await lookAgain(setup, mint.upload.uid)).toMatchObject({ upload: { status: 'DELETED' } })
  })
})

describe('with REST beside it', () => {
  test('basic URLs come from the binding, tus from REST, and both arrive', async () => {
    const setup = await createSetup({ auth: OPEN, stream: beside })
    const input = { maxDurationSeconds: 60 }
    const basic = mintSchema.parse((await ask(setup, MINT, { input })).data).mint
    const file = testcardFile()
    const form = new FormData()
    form.set('file', file)
    expect((await fetch(basic.uploadURL, { method: 'POST', body: form })).status).toBe(200)
    const tusInput = { ...input, sizeBytes: file.size }
    const tus = mintSchema.parse((await ask(setup, MINT_TUS, { input: tusInput })).data).mint
    await uploadByTus(tus.uploadURL, file)
    for (const { upload } of [basic, tus])
      expect(await lookAgain(setup, upload.uid)).toMatchObject(READY)
    expect((await createByTus(setup, 1000)).status).toBe(201)
    const usage = await ask(setup, '{ storageUsage { videoCount } }')
    expect(usage.data).toEqual({ storageUsage: { videoCount: 2 } })
    const large = { sizeBytes: 200_000_001, reliable: true }
    expect((await ask(setup, RECOMMENDED, large)).data).toMatchObject({
      recommendedProtocol: { protocol: 'TUS', required: true },
    })
  })
})
