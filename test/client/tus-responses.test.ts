/** Responses of an upload host that is not as tus requires: the client neither believes nor repeats them forever. */
import { describe, expect, it } from 'vitest'
import {
  type UploadClientOptions,
  type UploadProgress,
  UploadError,
  createMemoryStorage,
  createUploadClient,
} from '../../src/client/client.ts'
import { phasesOf } from './kit.ts'
import { type Script, type TusReply, createImpatientClock, startTestHost } from './tus-host.ts'

const file = new Blob(['0123456789'.repeat(10)])
const CHUNK_BYTES = 40
/** A page of a captive portal, or a response whose headers a proxy removed. */
const PORTAL: TusReply = {
  status: 200,
  headers: { 'upload-offset': undefined, 'upload-length': undefined },
}

/** Replaces every response to this method. */
function always(method: 'HEAD' | 'PATCH', reply: TusReply): Script {
  return (request) => (request.method === method ? () => reply : null)
}

/** Replaces the first response to this method. */
function first(method: 'HEAD' | 'PATCH', reply: TusReply): Script {
  let isReplaced = false
  return (request) => {
    if (isReplaced || request.method !== method) return null
    isReplaced = true
    return () => reply
  }
}

async function upload(script: Script, options: Partial<UploadClientOptions> = {}) {
  const host = await startTestHost(script, CHUNK_BYTES)
  const clock = createImpatientClock()
  const storage = createMemoryStorage()
  const client = createUploadClient({ url: host.url, clock, storage, retries: 3, ...options })
  const reported: UploadProgress[] = []
  const outcome = await client
    .upload(file, { protocol: 'TUS', onProgress: (progress) => reported.push(progress) })
    .then(({ status }) => status)
    .catch((error: unknown) => (error instanceof UploadError ? error.code : error))
  const [resumable] = await client.resumable()
  return { host, clock, client, outcome, phases: phasesOf(reported), resumable }
}

describe('a success without a readable offset', () => {
  it.each<[string, Script]>([
    ['every HEAD', always('HEAD', PORTAL)],
    [
      'every HEAD, without Upload-Length',
      always('HEAD', { headers: { 'upload-length': undefined } }),
    ],
    ['every PATCH', always('PATCH', { ...PORTAL, storeBytes: 0 })],
    ['a PATCH that is not stored, and every HEAD after it', portalAfterFirstHead()],
  ])('is not taken for the end: %s', async (_name, script) => {
    const { client, host, outcome, phases, resumable, clock } = await upload(script)
    expect(outcome).toBe('STREAM_UNAVAILABLE')
    expect(phases).toEqual(['minting', 'uploading'])
    expect(resumable).toMatchObject({ isSent: false })
    expect(clock.waits).toHaveLength(3)
    expect(host.receivedBytes).toBeLessThanOrEqual(2 * file.size)
    // The next call sends the file to the same URL.
    host.follow(() => null)
    expect(await client.upload(file, { protocol: 'TUS' })).toMatchObject({ status: 'READY' })
    expect(host.storedBytes).toBe(file.size)
  })

  it.each([
    ['HEAD', first('HEAD', PORTAL)],
    ['PATCH', first('PATCH', PORTAL)],
    ['redirected PATCH', first('PATCH', { status: 302, headers: { location: '/portal' } })],
  ])('is retried once after one %s', async (_name, script) => {
    const { host, outcome, clock } = await upload(script)
    expect({ outcome, storedBytes: host.storedBytes }).toEqual({
      outcome: 'READY',
      storedBytes: 100,
    })
    expect(clock.waits).toHaveLength(1)
    expect(host.receivedBytes).toBe(file.size)
  })
})

describe('a host without progress', () => {
  it.each<[string, Script]>([
    ['stays', always('PATCH', { storeBytes: 0 })],
    ['falls', (request) => (request.method === 'PATCH' ? fallingOffset : null)],
    ['grows by one byte per chunk', always('PATCH', { storeBytes: 1 })],
    ['stays, and ends each connection', always('PATCH', { storeBytes: 0, cut: 'response' })],
    ['stays, with status 503', always('PATCH', { storeBytes: 0, status: 503 })],
  ])('whose offset %s is sent at most twice the file, with backoff', async (_name, script) => {
    const { host, outcome, clock } = await upload(script)
    expect(outcome).toMatch(/STREAM_UNAVAILABLE|NETWORK/)
    expect(clock.waits.length).toBeGreaterThanOrEqual(3)
    expect(clock.waits[0]).toBeGreaterThanOrEqual(250)
    expect(host.receivedBytes).toBeLessThanOrEqual(2 * file.size)
  })

  it('fails after `retries` repetitions of a chunk', async () => {
    const { host, outcome } = await upload(always('PATCH', { storeBytes: 0 }), { retries: 1 })
    expect(outcome).toBe('STREAM_UNAVAILABLE')
    expect(host.requests.map(({ method }) => method)).toEqual(['HEAD', 'PATCH', 'HEAD', 'PATCH'])
  })

  it('is resumed from a fallen offset after a backoff', async () => {
    let patches = 0
    const { host, outcome, clock } = await upload(({ method }) => {
      if (method !== 'PATCH') return null
      patches += 1
      // The host lost the chunk that it confirmed.
      return patches === 2 ? () => ({ storeBytes: 0, headers: { 'upload-offset': '20' } }) : null
    })
    expect({ outcome, storedBytes: host.storedBytes }).toEqual({
      outcome: 'READY',
      storedBytes: 100,
    })
    expect(clock.waits).toHaveLength(1)
  })
})

describe('an Upload-Offset of', () => {
  it.each(['-1', 'NaN', '', '0x28', '4e1', '40.0', '+40', '40, 40', '101', '9'.repeat(30), '４０'])(
    '%j is used in no request',
    async (offset) => {
      for (const method of ['HEAD', 'PATCH'] as const) {
        // Header values are bytes.
        const value = Buffer.from(offset).toString('latin1')
        const { host, outcome, phases } = await upload(
          always(method, { headers: { 'upload-offset': value }, storeBytes: 0 }),
        )
        expect(outcome).toBe('STREAM_UNAVAILABLE')
        expect(phases).toEqual(['minting', 'uploading'])
        expect(new Set(host.requests.map((request) => request.offset))).toEqual(
          new Set(method === 'HEAD' ? [null] : [null, '0']),
        )
      }
    },
  )

  it('a PATCH beyond the bytes that were sent is read again by HEAD', async () => {
    const script = first('PATCH', { headers: { 'upload-offset': '80' } })
    const { host, outcome } = await upload(script)
    expect(outcome).toBe('READY')
    expect(host.requests.map((request) => request.offset)).toEqual([null, '0', null, '40', '80'])
  })
})

describe('a status', () => {
  it.each([408, 423, 425, 429, 500, 503])('of %i on a PATCH is retried', async (status) => {
    const { host, outcome, clock } = await upload(first('PATCH', { status, storeBytes: 0 }))
    expect({ outcome, storedBytes: host.storedBytes }).toEqual({
      outcome: 'READY',
      storedBytes: 100,
    })
    expect(clock.waits).toHaveLength(1)
  })
})

it('a response whose body is cut off ends like a complete one', async () => {
  const { outcome, host } = await upload(first('PATCH', { status: 200, cut: 'body' }))
  expect({ outcome, storedBytes: host.storedBytes }).toEqual({ outcome: 'READY', storedBytes: 100 })
})

function portalAfterFirstHead(): Script {
  let heads = 0
  return ({ method }) => {
    if (method === 'HEAD') heads += 1
    return heads > 1 || method === 'PATCH' ? () => ({ ...PORTAL, storeBytes: 0 }) : null
  }
}

function fallingOffset({ storedBytes }: { readonly storedBytes: number }): TusReply {
  return { storeBytes: 10, headers: { 'upload-offset': String(Math.max(0, storedBytes - 20)) } }
}
