/** `POST /tus`: accepted creations, their settings, and rejected requests. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseTusCreation } from '../../src/http/tus/parse-creation.ts'
import { TEST_SECRET, type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { paddedTestcard } from '../kit/media.ts'
import { watchToEnd } from '../kit/operations.ts'
import { uploadByTus } from '../kit/tus.ts'

const encode = (text: string): string => Buffer.from(text).toString('base64')

/** Returns an Upload-Metadata header as tus-js-client writes it; null is a key without value. */
function metadata(pairs: Readonly<Record<string, string | null>>): Record<string, string> {
  const entries = Object.entries(pairs).map(([key, value]) =>
    value === null ? key : `${key} ${encode(value)}`,
  )
  return { 'upload-metadata': entries.join(',') }
}

const CREATION = { 'tus-resumable': '1.0.0', 'upload-length': '6000000' }

function create(
  gateway: TestGateway,
  headers: Readonly<Record<string, string>> = {},
  init: RequestInit = {},
): Promise<Response> {
  return fetch(`${gateway.url}/tus`, {
    method: 'POST',
    headers: { ...CREATION, ...headers },
    ...init,
  })
}

const inHours = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString()

const recorded = z.object({
  upload: z.object({
    name: z.string().nullable(),
    meta: z.record(z.string(), z.unknown()),
    expiresAt: z.string(),
    progress: z.object({ totalBytes: z.number() }),
    constraints: z.object({
      maxDurationSeconds: z.number(),
      maxSizeBytes: z.number(),
      allowedOrigins: z.array(z.string()),
      requireSignedURLs: z.boolean(),
      scheduledDeletion: z.string().nullable(),
    }),
  }),
})
const FIND = `query ($uid: ID!) { upload(uid: $uid) { name meta expiresAt progress { totalBytes }
  constraints { maxDurationSeconds maxSizeBytes allowedOrigins requireSignedURLs scheduledDeletion } } }`

async function recordOf(gateway: TestGateway, response: Response) {
  const uid = response.headers.get('stream-media-id') ?? ''
  return (await gateway.as().request(recorded, FIND, { uid })).upload
}

describe('a creation', () => {
  it('returns a one-time URL, and the uploaded file becomes READY', async () => {
    const gateway = await startTestGateway()
    const response = await create(gateway, metadata({ name: 'holidays.mp4' }))
    expect(response.status).toBe(201)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'tus-resumable': '1.0.0',
      'cache-control': 'no-store',
    })
    const location = response.headers.get('location') ?? ''
    expect(location.startsWith(gateway.emulator.url)).toBe(true)
    const expires = new Date(response.headers.get('upload-expires') ?? '').getTime()
    expect(expires - Date.now()).toBeGreaterThan(359 * 60_000)
    const watched = watchToEnd(gateway.as(), response.headers.get('stream-media-id') ?? '')
    await uploadByTus(location, paddedTestcard(6_000_000))
    expect((await watched).at(-1)?.status).toBe('READY')
  })

  it('reads settings from Upload-Metadata and stores the other keys as meta', async () => {
    const gateway = await startTestGateway()
    const expiry = inHours(2).replace(/\.\d+Z$/, 'Z')
    const scheduledDeletion = inHours(24 * 40).replace(/\.\d+Z$/, 'Z')
    const response = await create(gateway, {
      ...metadata({
        filename: 'a.mp4',
        filetype: 'video/mp4',
        MaxDurationSeconds: '600',
        expiry,
        requiresignedurls: null,
        allowedorigins: 'example.com, *.example.com',
        thumbnailtimestamppct: '0.5',
        scheduleddeletion: scheduledDeletion,
        episode: '7',
      }),
    })
    expect(response.status).toBe(201)
    expect(await recordOf(gateway, response)).toEqual({
      name: 'a.mp4',
      meta: { filename: 'a.mp4', filetype: 'video/mp4', episode: '7' },
      expiresAt: new Date(expiry).toISOString(),
      progress: { totalBytes: 6_000_000 },
      constraints: {
        maxDurationSeconds: 600,
        maxSizeBytes: 6_000_000,
        allowedOrigins: ['example.com', '*.example.com'],
        requireSignedURLs: true,
        scheduledDeletion: new Date(scheduledDeletion).toISOString(),
      },
    })
    const [video] = (await gateway.emulator.state()).videos
    const details = await fetch(
      `${gateway.emulator.apiBaseUrl}/accounts/local/stream/${video?.uid}`,
      { headers: { authorization: 'Bearer local-token' } },
    )
    expect(await details.json()).toMatchObject({
      result: {
        maxDurationSeconds: 600,
        requireSignedURLs: true,
        allowedOrigins: ['example.com', '*.example.com'],
        thumbnailTimestampPct: 0.5,
        meta: { name: 'a.mp4', episode: '7' },
      },
    })
  })

  it.each([
    [1_000, 36_000, 60],
    [6_000_000, 36_000, 750],
    [6_000_000, 600, 600],
    [30_000_000_000, 36_000, 36_000],
  ])('of %i bytes, with a limit of %i s, reserves %i s', async (bytes, maxSeconds, seconds) => {
    const gateway = await startTestGateway({ MAX_DURATION_SECONDS: String(maxSeconds) })
    const response = await create(gateway, { 'upload-length': String(bytes) })
    const { constraints } = await recordOf(gateway, response)
    expect(constraints.maxDurationSeconds).toBe(seconds)
  })

  it('returns the same URL for the same Idempotency-Key', async () => {
    const gateway = await startTestGateway()
    const key = { 'idempotency-key': 'one' }
    const [first, second] = [await create(gateway, key), await create(gateway, key)]
    expect(second.headers.get('location')).toBe(first.headers.get('location'))
    const other = await create(gateway, { ...key, 'upload-length': '7' })
    expect(other.status).toBe(422)
    expect((await gateway.emulator.state()).videos).toHaveLength(1)
  })
})

describe('a rejected creation', () => {
  const rejections: readonly [string, Record<string, string>, number, string][] = [
    ['no version', { 'tus-resumable': '' }, 412, 'Tus-Resumable: 1.0.0'],
    ['another version', { 'tus-resumable': '0.2.2' }, 412, 'Tus-Resumable: 1.0.0'],
    ['no length', { 'upload-length': '' }, 400, 'Upload-Length: must be'],
    ['a length of zero', { 'upload-length': '0' }, 400, 'Upload-Length: must be'],
    ['over 30 GB', { 'upload-length': '30000000001' }, 400, '30000000000 (30 GB)'],
    ['half a byte', { 'upload-length': '1.5' }, 400, 'Upload-Length: must be'],
    [
      'a deferred length',
      { 'upload-length': '', 'upload-defer-length': '1' },
      400,
      'uploadLengthDeferred',
    ],
    [
      'a value that is not base64',
      { 'upload-metadata': 'name %%%' },
      400,
      '"name" that is not base64',
    ],
    ['a key twice', { 'upload-metadata': 'expiry,Expiry' }, 400, '"Expiry" twice'],
    [
      'a duration that is not a number',
      metadata({ maxDurationSeconds: 'NaN' }),
      400,
      'maxdurationseconds must be a whole number',
    ],
    [
      'a duration without value',
      metadata({ maxDurationSeconds: null }),
      400,
      'maxdurationseconds must be a whole number',
    ],
    [
      'too many seconds',
      metadata({ maxDurationSeconds: '36001' }),
      400,
      'maxDurationSeconds: must be a whole number from 1 to 36000',
    ],
    ['an invalid date', metadata({ expiry: 'tomorrow' }), 400, 'expiry must be an RFC 3339'],
    [
      'an expiry too far ahead',
      metadata({ expiry: inHours(7) }),
      400,
      'expiry: must be 2 minutes to 6 hours ahead',
    ],
    ['unsigned URLs', metadata({ requiresignedurls: 'false' }), 400, 'Omit the key'],
    [
      'an origin that is a URL',
      metadata({ allowedorigins: 'https://a.com/x' }),
      400,
      'allowedorigins.0: must be a host',
    ],
    [
      'a malformed thumbnail time',
      metadata({ thumbnailtimestamppct: '1e-1' }),
      400,
      'a number from 0 to 1',
    ],
    [
      'a deletion too early',
      metadata({ scheduleddeletion: inHours(1) }),
      400,
      'scheduleddeletion: must be 30 to',
    ],
    ['a watermark', metadata({ watermark: 'x' }), 400, 'meta.watermark: is a setting of Stream'],
    ['another creator', metadata({ creator: 'bob' }), 400, 'meta.creator: is a setting of Stream'],
    [
      'a forged reference',
      metadata({ headgate: 'x/y' }),
      400,
      'meta.headgate: is reserved by the gateway',
    ],
    ['two errors', metadata({ expiry: 'x', maxDurationSeconds: 'y' }), 400, 'must be an RFC 3339'],
    [
      'a long key',
      { 'idempotency-key': 'k'.repeat(256) },
      400,
      'Idempotency-Key: must have 1 to 255',
    ],
  ]
  it.each(rejections)(
    'with %s reports the expected value',
    async (_name, headers, status, message) => {
      const gateway = await startTestGateway()
      const response = await create(gateway, headers)
      expect(await response.text()).toContain(message)
      expect(response.status).toBe(status)
      expect((await gateway.emulator.state()).videos).toEqual([])
    },
  )

  it('with upload data, and other methods, are rejected with the supported ones', async () => {
    const gateway = await startTestGateway()
    const bytes = await create(
      gateway,
      {},
      {
        body: 'bytes',
        headers: { ...CREATION, 'content-type': 'application/offset+octet-stream' },
      },
    )
    expect([bytes.status, await bytes.text()]).toEqual([
      400,
      expect.stringContaining('uploadDataDuringCreation'),
    ])
    for (const method of ['HEAD', 'PATCH', 'DELETE', 'GET']) {
      const response = await fetch(`${gateway.url}/tus`, { method })
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
    }
    const options = await fetch(`${gateway.url}/tus`, { method: 'OPTIONS' })
    expect(Object.fromEntries(options.headers)).toMatchObject({
      'tus-version': '1.0.0',
      'tus-extension': 'creation,expiration',
      'tus-max-size': '30000000000',
    })
  })

  it('reports the free quota, and the retry delay of the rate limit', async () => {
    const gateway = await startTestGateway({
      AUTH_JWT_SECRET: TEST_SECRET,
      CREATOR_QUOTA_MINUTES: '15',
      RATE_LIMIT_CREATES: '2',
    })
    const authorization = `Bearer ${await tokenFor('ada')}`
    const ten = { authorization, ...metadata({ maxDurationSeconds: '600' }) }
    expect((await create(gateway, ten)).status).toBe(201)
    const overQuota = await create(gateway, ten)
    expect([overQuota.status, await overQuota.text()]).toEqual([
      413,
      expect.stringContaining('10 minutes were requested, 5 minutes are free'),
    ])
    const overRate = await create(gateway, ten)
    expect([overRate.status, Number(overRate.headers.get('retry-after'))]).toEqual([
      429,
      expect.any(Number),
    ])
    const bob = { ...ten, authorization: `Bearer ${await tokenFor('bob')}` }
    expect((await create(gateway, bob)).status).toBe(201)
  })

  it('responds 413 if the storage of the account is used up, and 503 if Stream is unavailable', async () => {
    const gateway = await startTestGateway({ EMULATOR_STORAGE_MINUTES: '1' })
    const storageFull = await create(gateway, metadata({ maxDurationSeconds: '600' }))
    expect([storageFull.status, await storageFull.text()]).toEqual([
      413,
      expect.stringContaining('10 minutes were requested'),
    ])
    await gateway.emulator.fault({ on: 'tus_create', times: 1, status: 503 })
    const unavailable = await create(gateway, metadata({ maxDurationSeconds: '60' }))
    expect([unavailable.status, unavailable.headers.get('retry-after')]).toEqual([503, '5'])
  })
})

it('parses arbitrary headers into settings within the policy or into error messages', () => {
  expect.hasAssertions()
  const policy = {
    maxDurationSeconds: 600,
    creatorQuotaSeconds: null,
    createsPerMinute: 60,
    watermarkUid: null,
  }
  const key = fc.constantFrom(
    'maxDurationSeconds',
    'MAXDURATIONSECONDS',
    'expiry',
    'requiresignedurls',
    'name',
    '__proto__',
    'x',
  )
  const value = fc.oneof(
    fc.constantFrom('600', '1e9', '-1', '', 'true'),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(
      fc.array(fc.tuple(key, value)),
      fc.string({ unit: 'grapheme-ascii' }),
      (pairs, length) => {
        const entries = pairs.map(([name, text]) => `${name} ${encode(text)}`).join(',')
        const headers = new Headers({ 'upload-metadata': entries, 'upload-length': length.trim() })
        const creation = parseTusCreation(headers, policy)
        const isValid =
          'problems' in creation
            ? /^[A-Z].{20,}\.$/s.test(creation.problems.join(' '))
            : !/duration|expiry|signed/i.test(Object.keys(creation.meta ?? {}).join())
        expect(isValid).toBe(true)
      },
    ),
  )
})
