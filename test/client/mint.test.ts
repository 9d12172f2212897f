/** Minting: retries create one upload only, and rejections of the gateway become typed errors. */
import { describe, expect, it } from 'vitest'
import { UploadError, createUploadClient } from '../../src/client/client.ts'
import { createStreamBinding } from '../../src/emulator/binding/stream-binding.ts'
import { createBindingStreamApi } from '../../src/stream/binding/binding-stream-api.ts'
import { serveFiles } from '../browser/kit/site.ts'
import { createSetup } from '../fast-path/setup.ts'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcardFile, zeros } from '../kit/media.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'
import { clientOf, dropFirstResponses, withAdvancingClock } from './kit.ts'

describe('a lost response', () => {
  it.each([
    ['basic', 'BASIC'],
    ['tus', 'TUS'],
  ] as const)('of the gateway does not create a second upload: %s', async (_name, protocol) => {
    const gateway = await startTestGateway()
    const client = clientOf(gateway, { fetch: dropFirstResponses(2) })
    await withAdvancingClock(gateway.clock, client.upload(testcardFile(), { protocol }))
    const { videos, requests } = await gateway.emulator.state()
    expect(videos).toHaveLength(1)
    expect(Number(requests['direct_upload']) + Number(requests['tus_create'])).toBe(1)
  })

  it('of Stream does not create a second upload', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'direct_upload', hangUpAfter: true })
    const ready = await withAdvancingClock(
      gateway.clock,
      clientOf(gateway).upload(testcardFile()),
      300,
    )
    const { videos } = await gateway.emulator.state()
    expect(videos.map(({ uid }) => uid)).toEqual([ready.uid])
  })
})

describe('the protocol', () => {
  it.each([
    [undefined, 'BASIC', 'The gateway chose this protocol.'],
    ['BASIC', 'BASIC', 'The caller requested this protocol.'],
  ] as const)(
    'that is requested as %s is shown once the gateway has minted the upload',
    async (requested, protocol, reason) => {
      const setup = await createSetup({
        auth: { kind: 'disabled' },
        // The gateway mints no tus URLs.
        stream: (_rest, emulator) => createBindingStreamApi(createStreamBinding(emulator)),
      })
      const client = createUploadClient({ url: `${setup.fallback}/graphql` })
      const controller = new AbortController()
      const shown: object[] = []
      const uploading = client.upload(testcardFile(), {
        protocol: requested,
        reliableConnection: false,
        signal: controller.signal,
        onProgress(progress) {
          if (progress.phase === 'minting') return
          shown.push({ protocol: progress.protocol, reason: progress.reason })
          controller.abort()
        },
      })
      await expect(uploading).rejects.toThrow(/abort/)
      expect(shown[0]).toEqual({ protocol, reason })
    },
  )

  it('tus is not replaced if it is requested', async () => {
    const setup = await createSetup({
      auth: { kind: 'disabled' },
      stream: (_rest, emulator) => createBindingStreamApi(createStreamBinding(emulator)),
    })
    const client = createUploadClient({ url: `${setup.fallback}/graphql` })
    const error = await rejectionOf(client.upload(testcardFile(), { protocol: 'TUS' }))
    expect(error).toMatchObject({ code: 'STREAM_REJECTED', retryable: false })
  })
})

describe('the name of a file', () => {
  it.each([
    ['is cut between two characters', `${'x'.repeat(255)}😀.mp4`, 'x'.repeat(255)],
    ['keeps a whole character at its end', `${'x'.repeat(254)}😀.mp4`, `${'x'.repeat(254)}😀`],
    ['is made well-formed', 'a\ud83d.mp4', 'a\ufffd.mp4'],
  ])('%s', async (_name, fileName, expected) => {
    for (const protocol of ['BASIC', 'TUS'] as const) {
      const gateway = await startTestGateway()
      const file = new File([testcardFile()], 'replaced', { type: 'video/mp4' })
      Object.defineProperty(file, 'name', { value: fileName })
      const { name } = await clientOf(gateway).upload(file, { protocol })
      const { videos } = await gateway.emulator.state()
      expect({ name, atStream: videos[0]?.meta['name'] }).toEqual({
        name: expected,
        atStream: expected,
      })
    }
  })
})

describe('a rejection', () => {
  it('of the settings lists every issue', async () => {
    const gateway = await startTestGateway({ MAX_DURATION_SECONDS: '600' })
    const settings = { maxDurationSeconds: 601, thumbnailTimestampPct: 2, expiry: new Date(0) }
    const error = await rejectionOf(clientOf(gateway).upload(testcardFile(), settings))
    expect(error.code === 'INVALID_INPUT' && error.issues.map(({ path }) => path)).toEqual([
      ['maxDurationSeconds'],
      ['expiry'],
      ['thumbnailTimestampPct'],
    ])
  })

  it.each([
    ['maxDurationSeconds', { maxDurationSeconds: 1.5 }],
    ['expiry', { expiry: 'tomorrow' }],
  ])('of a malformed %s names the field', async (path, settings) => {
    const gateway = await startTestGateway()
    const error = await rejectionOf(clientOf(gateway).upload(testcardFile(), settings))
    expect(error).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: [path] }] })
  })

  it('names maxDurationSeconds when the guess for an unreadable file exceeds the limit of the gateway', async () => {
    const gateway = await startTestGateway({ MAX_DURATION_SECONDS: '600' })
    const error = await rejectionOf(clientOf(gateway).upload(new Blob([zeros(5_000_000)])))
    expect(error).toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path: ['maxDurationSeconds'] }],
    })
  })

  it('for an exceeded quota includes requested and available minutes', async () => {
    const gateway = await startTestGateway({ CREATOR_QUOTA_MINUTES: '1' })
    const error = await rejectionOf(
      clientOf(gateway).upload(testcardFile(), { maxDurationSeconds: 120 }),
    )
    expect(error).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      requestedMinutes: 2,
      availableMinutes: 1,
    })
  })

  it('for a rate limit is retried after the wait', async () => {
    const gateway = await startTestGateway({ RATE_LIMIT_CREATES: '1' })
    expectMinted(await createDirectUpload(gateway.as()))
    const ready = await withAdvancingClock(
      gateway.clock,
      clientOf(gateway).upload(testcardFile()),
      300,
    )
    expect(ready.status).toBe('READY')
  })

  it('for a rate limit rejects with retryAfterSeconds when retries are 0', async () => {
    const gateway = await startTestGateway({ RATE_LIMIT_CREATES: '1' })
    expectMinted(await createDirectUpload(gateway.as()))
    const error = await rejectionOf(clientOf(gateway, { retries: 0 }).upload(testcardFile()))
    expect(error.code === 'RATE_LIMITED' && error.retryAfterSeconds).toBeGreaterThan(50)
  })

  it('by Stream is STREAM_REJECTED and not retryable', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'direct_upload', status: 400 })
    const error = await rejectionOf(clientOf(gateway).upload(testcardFile()))
    expect(error).toMatchObject({ code: 'STREAM_REJECTED', retryable: false })
  })
})

describe('a token', () => {
  it('that is missing or invalid rejects with UNAUTHENTICATED', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    for (const options of [{}, { token: 'no.such.token' }]) {
      const client = clientOf(gateway, options)
      expect(await rejectionOf(client.upload(testcardFile()))).toMatchObject({
        code: 'UNAUTHENTICATED',
      })
      const watched = client.watch('f'.repeat(32))[Symbol.asyncIterator]()
      expect(await rejectionOf(watched.next())).toMatchObject({ code: 'UNAUTHENTICATED' })
    }
  })

  it('that has expired is requested again', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const expired = await tokenFor('ada', { exp: 1 })
    const tokens = [expired, expired, await tokenFor('ada')]
    const client = clientOf(gateway, {
      token: () => (tokens.length > 1 ? tokens.shift() : tokens[0]) ?? '',
    })
    expect(await client.upload(testcardFile())).toMatchObject({ creator: 'ada' })
  })

  it('whose function throws rejects with that error', async () => {
    const gateway = await startTestGateway()
    const client = clientOf(gateway, { token: () => Promise.reject(new Error('signed out')) })
    await expect(client.upload(testcardFile())).rejects.toThrow('signed out')
  })
})

describe('a URL', () => {
  it('without a server rejects with NETWORK', async () => {
    const gateway = await startTestGateway()
    const client = clientOf(gateway, { url: 'http://127.0.0.1:9/graphql', retries: 1 })
    expect(await rejectionOf(client.upload(testcardFile()))).toMatchObject({
      code: 'NETWORK',
      message:
        'The gateway is unreachable at http://127.0.0.1:9/graphql, or its response was lost. Check the URL. In a browser, also check that ALLOWED_ORIGINS of the gateway contains the origin of the page.',
    })
  })

  it('that responds with a page rejects with NETWORK and names the URL', async () => {
    const site = await serveFiles(() => ({ '/': '<!doctype html>' }))
    const gateway = await startTestGateway()
    const client = clientOf(gateway, { url: site.url, retries: 0 })
    const error = await rejectionOf(client.upload(testcardFile()))
    expect(error).toMatchObject({ code: 'NETWORK' })
    expect(error.message).toContain(`at ${site.url}, or its response was lost. Check the URL.`)
  })

  it.each([
    undefined,
    null,
    '',
    'undefined',
    'localhost:4000/graphql',
    '/graphql',
    '//uploads.example.com/graphql',
    'ws://uploads.example.com/graphql',
    'https://',
    'https://ada:secret@uploads.example.com/graphql',
  ])('that cannot work is rejected when the client is created: %s', (url) => {
    const message =
      'must be an absolute http or https URL without credentials, such as "https://uploads.example.com/graphql". A relative URL works only in a page.'
    const create = (): unknown => Reflect.apply(createUploadClient, undefined, [{ url }])
    expect(create).toThrow(
      expect.objectContaining({
        name: 'UploadError',
        code: 'INVALID_INPUT',
        issues: [{ path: ['url'], message }],
        message: `url: ${message}`,
      }),
    )
  })

  it.each(['/healthz', '/nowhere'])(
    'that is not a GraphQL endpoint rejects with GATEWAY_FAILED: %s',
    async (path) => {
      const gateway = await startTestGateway()
      const client = clientOf(gateway, { url: new URL(path, gateway.url) })
      const error = await rejectionOf(client.upload(testcardFile()))
      expect(error).toMatchObject({ code: 'GATEWAY_FAILED', retryable: false })
    },
  )
})

/** Returns the error that the promise rejects with; throws if it is not an UploadError. */
async function rejectionOf(promise: Promise<unknown>): Promise<UploadError> {
  const error = await promise.then(() => 'the promise resolved').catch((thrown: unknown) => thrown)
  if (error instanceof UploadError) return error
  throw new Error('not an UploadError', { cause: error })
}
