/** A gateway that reaches Stream by the Workers binding, without and with REST. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createStreamBinding } from '../../src/emulator/binding/stream-binding.ts'
import type { StreamApi } from '../../src/uploads/ports/stream-api.ts'
import { createBindingStreamApi } from '../../src/stream/binding/binding-stream-api.ts'
import { combineBindingWithRest } from '../../src/stream/combine-apis.ts'
import type { TestEmulator } from '../kit/emulator.ts'
import { tokenFor } from '../kit/gateway.ts'
import { testcard, testcardFile } from '../kit/media.ts'
import { uploadByTus } from '../kit/tus.ts'
import { MINT, MINT_ANY, MINT_TUS } from '../fast-path/mutations.ts'
import { type Setup, createSetup } from '../fast-path/setup.ts'

const AUTH_DISABLED = { kind: 'disabled' } as const

/** Uses the binding without REST. */
const bindingOnly = (_rest: StreamApi, emulator: TestEmulator) =>
  createBindingStreamApi(createStreamBinding(emulator))
/** Uses an API token in addition to the binding. */
const bindingWithRest = (rest: StreamApi, emulator: TestEmulator) =>
  combineBindingWithRest(bindingOnly(rest, emulator), rest)

const RECOMMENDED = `query ($sizeBytes: ByteCount!, $reliable: Boolean!) {
  recommendedProtocol(sizeBytes: $sizeBytes, reliableConnection: $reliable) { protocol required reason }
}`
const UPLOAD = `query ($uid: ID!) {
  upload(uid: $uid) { status name meta progress { receivedBytes } video { durationSeconds width height hlsURL dashURL } }
}`

const responseSchema = z.object({
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

/** Returns the GraphQL response, and fails on an internal error of the gateway. */
async function sendQuery(setup: Setup, query: string, variables: object = {}, token = '') {
  const response = await fetch(`${setup.fallback}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
  })
  expect(response.status).toBe(200)
  expect(setup.errors).toEqual([])
  return responseSchema.parse(await response.json())
}

function createByTus(setup: Setup, sizeBytes: number): Promise<Response> {
  return fetch(`${setup.fallback}/tus`, {
    method: 'POST',
    headers: { 'tus-resumable': '1.0.0', 'upload-length': String(sizeBytes) },
  })
}

/** Returns the upload after the next poll. */
async function pollAgain(setup: Setup, uid: string) {
  await setup.emulator.advanceClock(60)
  setup.clock.advance(60)
  await setup.gateway.syncOnce()
  return (await sendQuery(setup, UPLOAD, { uid })).data
}

const READY = {
  upload: {
    status: 'READY',
    video: { durationSeconds: testcard.durationSeconds, width: 640, height: 360 },
  },
}

describe('the binding without REST', () => {
  test('serves a basic upload from minting to READY without a webhook', async () => {
    const setup = await createSetup({ auth: AUTH_DISABLED, stream: bindingOnly })
    const meta = { list: [1, null], text: 'x' }
    const input = { maxDurationSeconds: 60, name: 'Zoë.mp4', meta }
    const minted = mintSchema.parse((await sendQuery(setup, MINT, { input })).data).mint
    const form = new FormData()
    form.set('file', testcardFile())
    expect((await fetch(minted.uploadURL, { method: 'POST', body: form })).status).toBe(200)
    const upload = await pollAgain(setup, minted.upload.uid)
    expect(upload).toMatchObject(READY)
    // The gateway returns meta as given, although the binding stores text only.
    expect(upload).toMatchObject({ upload: { name: 'Zoë.mp4', meta } })
    const [video] = (await setup.emulator.state()).videos
    expect(video?.meta).toMatchObject({ name: 'Zoë.mp4', list: '[1,null]', text: 'x' })
  })

  test.each([
    [1000, /at most 200 MB: use `createDirectUpload`\.$/],
    [200_000_000, /at most 200 MB: use `createDirectUpload`\.$/],
    [200_000_001, /over 200 MB need a gateway with a Cloudflare API token/],
  ])('rejects a tus upload of %i bytes and reserves nothing', async (sizeBytes, message) => {
    const setup = await createSetup({ auth: AUTH_DISABLED, stream: bindingOnly })
    const input = { maxDurationSeconds: 60, sizeBytes, idempotencyKey: 'one' }
    for (let attempt = 0; attempt < 2; attempt += 1) {
      expect((await sendQuery(setup, MINT_TUS, { input })).data).toEqual({
        mint: {
          __typename: 'StreamError',
          code: 'STREAM_REJECTED',
          retryable: false,
          message: expect.stringMatching(message),
        },
      })
    }
    const endpoint = await createByTus(setup, sizeBytes)
    expect(endpoint.status).toBe(422)
    expect(await endpoint.text()).toMatch(/tus uploads are not available/)
    expect((await setup.dependencies.store.quotaUsage()).reservedSeconds).toBe(0)
    expect((await setup.emulator.state()).requests).toMatchObject({ tus_create: 0 })
    // Input errors take precedence.
    const wrong = await sendQuery(setup, MINT_TUS, { input: { ...input, maxDurationSeconds: 0 } })
    expect(wrong.data).toMatchObject({ mint: { code: 'INVALID_INPUT' } })
  })

  test('says that a token with a limit below 200 MB can upload nothing', async () => {
    const setup = await createSetup({ stream: bindingOnly })
    const token = await tokenFor('guest', { headgate: { maxSizeBytes: 199_999_999 } })
    const reason = expect.stringMatching(/^This token can upload nothing: .*does not support tus/)
    const outcome = { mint: { __typename: 'ForbiddenError', message: reason } }
    const input = { maxDurationSeconds: 60, sizeBytes: 1000 }
    for (const query of [MINT_TUS, MINT_ANY])
      expect((await sendQuery(setup, query, { input }, token)).data).toMatchObject(outcome)
    const basic = await sendQuery(setup, MINT, { input: { maxDurationSeconds: 60 } }, token)
    expect(basic.data).toMatchObject(outcome)
    const variables = { sizeBytes: 1000, reliable: true }
    expect((await sendQuery(setup, RECOMMENDED, variables, token)).data).toEqual({
      recommendedProtocol: { protocol: 'BASIC', required: true, reason },
    })
    expect((await setup.dependencies.store.quotaUsage()).reservedSeconds).toBe(0)
  })

  test.each([
    [1000, true],
    [1000, false],
    [200_000_000, false],
  ])(
    'creates a basic upload for a file of %i bytes, reliable connection: %s',
    async (sizeBytes, reliable) => {
      const setup = await createSetup({ auth: AUTH_DISABLED, stream: bindingOnly })
      const input = { maxDurationSeconds: 60, sizeBytes, reliableConnection: reliable }
      expect((await sendQuery(setup, MINT_ANY, { input })).data).toMatchObject({
        mint: { __typename: 'CreateDirectUploadSuccess', upload: { protocol: 'BASIC' } },
      })
    },
  )

  test.each([
    [200_000_001, 'STREAM_REJECTED', /tus uploads are not available.*over 200 MB need a gateway/],
    [30_000_000_001, 'INVALID_INPUT', /30 GB/],
  ])(
    'rejects the creation for a file of %i bytes with the reason',
    async (sizeBytes, code, message) => {
      const setup = await createSetup({ auth: AUTH_DISABLED, stream: bindingOnly })
      const input = { maxDurationSeconds: 60, sizeBytes }
      expect((await sendQuery(setup, MINT_ANY, { input })).data).toMatchObject({
        mint: { code, message: expect.stringMatching(message) },
      })
      expect((await setup.dependencies.store.quotaUsage()).reservedSeconds).toBe(0)
    },
  )

  test.each([
    [1000, true, /at most 200 MB/],
    [1000, false, /at most 200 MB/],
    [200_000_001, true, /over 200 MB.*Reduce the file size/],
    [200_000_001, false, /over 200 MB.*Reduce the file size/],
  ])(
    'does not recommend tus for %i bytes with a reliable connection: %s',
    async (sizeBytes, reliable, reason) => {
      const setup = await createSetup({ auth: AUTH_DISABLED, stream: bindingOnly })
      expect((await sendQuery(setup, RECOMMENDED, { sizeBytes, reliable })).data).toEqual({
        recommendedProtocol: {
          protocol: 'BASIC',
          required: true,
          reason: expect.stringMatching(reason),
        },
      })
    },
  )

  test('rejects storageUsage with the reason', async () => {
    const setup = await createSetup({ auth: AUTH_DISABLED, stream: bindingOnly })
    const { data, errors } = await sendQuery(setup, '{ storageUsage { storedMinutes } }')
    expect(data).toBeNull()
    expect(errors).toEqual([
      {
        message: expect.stringMatching(/Workers binding.*API token/),
        extensions: { code: 'STREAM_REJECTED' },
      },
    ])
  })

  test('returns QUOTA_EXCEEDED when the storage of the account is full', async () => {
    const setup = await createSetup({ auth: AUTH_DISABLED, stream: bindingOnly, storageMinutes: 1 })
    const { data } = await sendQuery(setup, MINT, { input: { maxDurationSeconds: 61 } })
    expect(data).toMatchObject({ mint: { code: 'QUOTA_EXCEEDED', requestedMinutes: 61 / 60 } })
    expect((await setup.dependencies.store.quotaUsage()).reservedSeconds).toBe(0)
  })

  test('finds and deletes the video of a lost response', async () => {
    const setup = await createSetup({ auth: AUTH_DISABLED, stream: bindingOnly })
    await setup.emulator.fault({ on: 'direct_upload', hangUpAfter: true })
    const input = { maxDurationSeconds: 60, idempotencyKey: 'once' }
    const lost = await sendQuery(setup, MINT, { input })
    expect(lost.data).toMatchObject({ mint: { code: 'STREAM_UNAVAILABLE', retryable: true } })
    expect((await setup.emulator.state()).videos).toHaveLength(1)
    expect((await setup.dependencies.store.quotaUsage()).reservedSeconds).toBe(60)
    setup.clock.advance(60)
    expect(await setup.gateway.syncOnce()).toMatchObject({ orphansDeleted: 1 })
    expect((await setup.emulator.state()).videos).toHaveLength(0)
    expect((await setup.dependencies.store.quotaUsage()).reservedSeconds).toBe(0)
    mintSchema.parse((await sendQuery(setup, MINT, { input })).data)
  })

  test('marks a video that was deleted at Stream as DELETED', async () => {
    const setup = await createSetup({ auth: AUTH_DISABLED, stream: bindingOnly })
    const { mint } = mintSchema.parse(
      (await sendQuery(setup, MINT, { input: { maxDurationSeconds: 60 } })).data,
    )
    // Stream knows the second upload, which proves that the account is right.
    await sendQuery(setup, MINT, { input: { maxDurationSeconds: 60 } })
    await createStreamBinding(setup.emulator).video(mint.upload.uid).delete()
    setup.clock.advance(60)
    expect(await pollAgain(setup, mint.upload.uid)).toMatchObject({ upload: { status: 'DELETED' } })
  })
})

describe('the binding with REST', () => {
  test('mints basic URLs by the binding and tus URLs by REST', async () => {
    const setup = await createSetup({ auth: AUTH_DISABLED, stream: bindingWithRest })
    const input = { maxDurationSeconds: 60 }
    const basic = mintSchema.parse((await sendQuery(setup, MINT, { input })).data).mint
    const file = testcardFile()
    const form = new FormData()
    form.set('file', file)
    expect((await fetch(basic.uploadURL, { method: 'POST', body: form })).status).toBe(200)
    const tusInput = { ...input, sizeBytes: file.size }
    const tus = mintSchema.parse((await sendQuery(setup, MINT_TUS, { input: tusInput })).data).mint
    await uploadByTus(tus.uploadURL, file)
    for (const { upload } of [basic, tus])
      expect(await pollAgain(setup, upload.uid)).toMatchObject(READY)
    expect((await createByTus(setup, 1000)).status).toBe(201)
    const usage = await sendQuery(setup, '{ storageUsage { videoCount } }')
    expect(usage.data).toEqual({ storageUsage: { videoCount: 2 } })
    const large = { sizeBytes: 200_000_001, reliable: true }
    expect((await sendQuery(setup, RECOMMENDED, large)).data).toMatchObject({
      recommendedProtocol: { protocol: 'TUS', required: true },
    })
  })
})
