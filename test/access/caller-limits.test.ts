/** The claim `headgate`: each limit at each endpoint, within, at and beyond; and claims that are rejected. */
import { createHmac, randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { TEST_SECRET, type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { limitsOf, readMe } from '../kit/me.ts'
import { createDirectUpload, deleteUpload, expectMinted, storageUsage } from '../kit/operations.ts'
import { expectUpdated, readUpload, updateUpload } from '../kit/update-upload.ts'
import { type MintRequest, endpoints } from './mint-by-endpoint.ts'

type Claim = Readonly<Record<string, unknown>>

const DEFAULTS = {
  AUTH_JWT_SECRET: TEST_SECRET,
  EMULATOR_STORAGE_MINUTES: '100000',
  MAX_DURATION_SECONDS: '3600',
  CREATOR_QUOTA_MINUTES: '120',
  RATE_LIMIT_CREATES: '4',
}

/** A token of a new subject. */
function guestToken(headgate?: unknown, claims: Claim = {}): Promise<string> {
  const subject = `guest-${randomUUID()}`
  return tokenFor(subject, {
    jti: randomUUID(),
    ...claims,
    ...(headgate === undefined ? {} : { headgate }),
  })
}

const minute: MintRequest = { seconds: 60 }

/** Requests that one caller sends one after the other, with their outcomes. */
const cases: readonly (readonly [
  string,
  Claim | undefined,
  readonly (readonly [MintRequest, string])[],
])[] = [
  [
    'no claim: MAX_DURATION_SECONDS',
    undefined,
    [
      [{ seconds: 3600 }, 'minted'],
      [{ seconds: 3601 }, 'invalid'],
    ],
  ],
  [
    'no claim: CREATOR_QUOTA_MINUTES',
    undefined,
    [
      [{ seconds: 3600 }, 'minted'],
      [{ seconds: 3600 }, 'minted'],
      [{}, 'quota'],
    ],
  ],
  [
    'no claim: RATE_LIMIT_CREATES',
    {},
    [
      [{}, 'minted'],
      [{}, 'minted'],
      [{}, 'minted'],
      [{}, 'minted'],
      [{}, 'rate'],
    ],
  ],
  [
    'no claim: 30 GB',
    {},
    [
      [{ bytes: 30_000_000_000 }, 'minted'],
      [{ bytes: 30_000_000_001 }, 'invalid'],
    ],
  ],
  [
    'maxDurationSeconds',
    { maxDurationSeconds: 60 },
    [
      [{ seconds: 59 }, 'minted'],
      [{ seconds: 60 }, 'minted'],
      [{ seconds: 61 }, 'invalid'],
    ],
  ],
  [
    'maxDurationSeconds above the ceiling',
    { maxDurationSeconds: 9000 },
    [
      [{ seconds: 3600 }, 'minted'],
      [{ seconds: 3601 }, 'invalid'],
    ],
  ],
  [
    'maxSizeBytes',
    { maxSizeBytes: 1000 },
    [
      [{ bytes: 999 }, 'minted'],
      [{ bytes: 1000 }, 'minted'],
      [{ bytes: 1001 }, 'invalid'],
    ],
  ],
  [
    'quotaMinutes',
    { quotaMinutes: 2.5 },
    [
      [minute, 'minted'],
      [{ seconds: 90 }, 'minted'],
      [{}, 'quota'],
    ],
  ],
  [
    'quotaMinutes above the default',
    { quotaMinutes: 130 },
    [
      [{ seconds: 3600 }, 'minted'],
      [{ seconds: 3600 }, 'minted'],
      [{ seconds: 600 }, 'minted'],
      [{}, 'quota'],
    ],
  ],
  ['quotaMinutes of none', { quotaMinutes: 0 }, [[{}, 'quota']]],
  [
    'createsPerMinute',
    { createsPerMinute: 2 },
    [
      [{}, 'minted'],
      [{}, 'minted'],
      [{}, 'rate'],
    ],
  ],
  [
    'createsPerMinute above the default',
    { createsPerMinute: 5 },
    [
      [{}, 'minted'],
      [{}, 'minted'],
      [{}, 'minted'],
      [{}, 'minted'],
      [{}, 'minted'],
      [{}, 'rate'],
    ],
  ],
  [
    'maxUploads',
    { maxUploads: 2 },
    [
      [{}, 'minted'],
      [{}, 'minted'],
      [{}, 'forbidden'],
    ],
  ],
  [
    'maxUploads, and requests that are invalid or over the quota',
    { maxUploads: 1, quotaMinutes: 1 },
    [
      [{ seconds: 0 }, 'invalid'],
      [{ seconds: 61 }, 'quota'],
      [minute, 'minted'],
      [{}, 'forbidden'],
    ],
  ],
  [
    'maxUploads, and a retry with the same key',
    { maxUploads: 1 },
    [
      [{ idempotencyKey: 'key' }, 'minted'],
      [{ idempotencyKey: 'key' }, 'minted'],
      [{}, 'forbidden'],
    ],
  ],
]

it.each(endpoints)('%s keeps each limit of the claim', async (_name, mint) => {
  const gateway = await startTestGateway(DEFAULTS)
  for (const [name, claim, requests] of cases) {
    const token = await guestToken(claim)
    const outcomes: string[] = []
    for (const [request] of requests) outcomes.push(await mint(gateway.url, token, request))
    expect([name, ...outcomes]).toEqual([name, ...requests.map(([, outcome]) => outcome)])
  }
})

/** An object of so many levels. */
function nested(levels: number): object {
  let value: object = {}
  for (let level = 1; level < levels; level += 1) value = { a: value }
  return value
}

const invalid: readonly (readonly [unknown, RegExp, Claim?])[] = [
  ['all', /`headgate` must be an object/],
  [null, /`headgate` must be an object/],
  [[{ maxUploads: 1 }], /`headgate` must be an object/],
  [{ maxUpload: 1 }, /unknown key "maxUpload"\. The keys are maxDurationSeconds, .*maxUploads/],
  [{ maxDurationSeconds: '60' }, /`headgate.maxDurationSeconds` must be a whole number of seconds/],
  [{ maxDurationSeconds: 0 }, /`headgate.maxDurationSeconds`/],
  [{ maxDurationSeconds: null }, /`headgate.maxDurationSeconds`/],
  [{ maxSizeBytes: 1.5 }, /`headgate.maxSizeBytes` must be a whole number of bytes/],
  [{ quotaMinutes: -1 }, /`headgate.quotaMinutes` must be a number of minutes/],
  [{ quotaMinutes: 1e300 }, /`headgate.quotaMinutes`/],
  [{ createsPerMinute: 0 }, /`headgate.createsPerMinute` must be a whole number of uploads/],
  [
    { maxUploads: 10_001 },
    /`headgate.maxUploads` must be a whole number of uploads from 1 to 10000/,
  ],
  [{ maxUploads: 1 }, /`jti` must have 1 to 255/, { jti: undefined }],
  [{ maxUploads: 1 }, /`jti` must have 1 to 255/, { jti: 7 }],
  [{ maxUploads: 1 }, /`jti` must have 1 to 255/, { jti: 'a\u0000b' }],
  [{ requireSignedURLs: false }, /`headgate.requireSignedURLs` must be true/],
  [{ allowedOrigins: [] }, /`headgate.allowedOrigins` must be a list of 1 to 100 hosts/],
  [{ allowedOrigins: ['https://example.com'] }, /`headgate.allowedOrigins`/],
  [{ watermark: 'a b' }, /`headgate.watermark` must be the uid/],
  [{ meta: ['a'] }, /`headgate.meta` must be an object/],
  [{ meta: { 'a key': 1 } }, /`headgate.meta`/],
  [{ meta: { name: 5 } }, /`headgate.meta`/],
  [{ meta: { headgate: 'x' } }, /`headgate.meta`/],
  [{ meta: nested(17) }, /`headgate.meta` must .*nested at most 16 levels/],
  [{ meta: nested(1500) }, /`headgate.meta`/],
]

it.each(endpoints)('%s rejects a token with an invalid claim', async (name, mint) => {
  const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
  for (const [claim, message, claims] of invalid) {
    const outcome = await mint(gateway.url, await guestToken(claim, claims), {})
    expect(outcome.slice(0, 4)).toBe(name === '/graphql over WebSocket' ? '4403' : '401 ')
    // A close reason has at most 123 bytes.
    const [start = ''] = message.source.split(/\\\. The| must/)
    expect(outcome.replaceAll('\\"', '"')).toMatch(
      name === '/graphql over WebSocket' ? new RegExp(start) : message,
    )
  }
  expect((await gateway.emulator.state()).videos).toEqual([])
})

const encode = (text: string): string => Buffer.from(text).toString('base64url')

it('rejects a number that JSON cannot represent, in the claim and in an input', async () => {
  const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
  // JSON.parse reads it as Infinity, and JSON.stringify would write null.
  const payload = '{"sub":"ada","exp":9999999999,"headgate":{"meta":{"a":[1e400]}}}'
  const signed = `${encode('{"alg":"HS256"}')}.${encode(payload)}`
  const signature = createHmac('sha256', TEST_SECRET).update(signed).digest('base64url')
  const request = async (token: string, meta: string) => {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: `{"query":"mutation ($meta: JSONObject) { createTusUpload(input: { maxDurationSeconds: 1, sizeBytes: 1, meta: $meta }) { __typename } }","variables":{"meta":${meta}}}`,
    })
    return response.text()
  }
  expect(await request(`${signed}.${signature}`, '{}')).toMatch(/headgate.meta.*finite numbers/)
  expect(await request(await tokenFor('ada'), '{"a":[1e400]}')).toMatch(
    /JSONObject.*finite numbers/,
  )
  expect((await gateway.emulator.state()).videos).toEqual([])
})

it('accepts a jti only where it counts uploads', async () => {
  const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
  const caller = gateway.as(await tokenFor('ada', { jti: 7, headgate: { maxDurationSeconds: 60 } }))
  expect(await limitsOf(caller)).toMatchObject({ maxDurationSeconds: 60, remainingUploads: null })
})

describe('basic uploads', () => {
  it('are forbidden below 200 MB, which Stream cannot enforce for them', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const below = gateway.as(await guestToken({ maxSizeBytes: 199_999_999 }))
    expect(await createDirectUpload(below)).toMatchObject({
      __typename: 'ForbiddenError',
      message: expect.stringMatching(/199999999 bytes.*createTusUpload/),
    })
    const recommendation = z.object({
      recommendedProtocol: z.object({ protocol: z.string(), required: z.boolean() }),
    })
    expect(
      await below.request(
        recommendation,
        '{ recommendedProtocol(sizeBytes: 1) { protocol required } }',
      ),
    ).toEqual({ recommendedProtocol: { protocol: 'TUS', required: true } })
    const above = gateway.as(await guestToken({ maxSizeBytes: 200_000_000 }))
    expectMinted(await createDirectUpload(above))
    expect((await gateway.emulator.state()).videos).toHaveLength(1)
  })
})

describe('other use cases', () => {
  it('me and storageUsage show the limits in force, and what is held and left', async () => {
    const gateway = await startTestGateway(DEFAULTS)
    const ada = gateway.as(await tokenFor('ada'))
    expect(await readMe(ada)).toEqual({
      subject: 'ada',
      isAdmin: false,
      limits: {
        maxDurationSeconds: 3600,
        maxSizeBytes: 30_000_000_000,
        createsPerMinute: 4,
        quotaMinutes: 120,
        heldMinutes: 0,
        remainingUploads: null,
      },
    })
    const claim = {
      maxDurationSeconds: 600,
      maxSizeBytes: 1_000_000_000,
      createsPerMinute: 9,
      quotaMinutes: 30,
      maxUploads: 2,
    }
    const guest = gateway.as(
      await tokenFor('guest', { jti: 'link', scope: 'uploads:admin', headgate: claim }),
    )
    const { maxUploads: _maxUploads, ...limits } = claim
    expectMinted(await createDirectUpload(guest, { maxDurationSeconds: 600 }))
    expect(await readMe(guest)).toEqual({
      subject: 'guest',
      isAdmin: true,
      limits: { ...limits, heldMinutes: 10, remainingUploads: 1 },
    })
    const other = gateway.as(
      await tokenFor('guest', { jti: 'link', headgate: { quotaMinutes: 30, maxUploads: 1 } }),
    )
    expect(await storageUsage(other)).toMatchObject({
      limitMinutes: 30,
      reservedMinutes: 10,
      availableMinutes: 20,
    })
    // Another token with the same jti, and a smaller limit.
    expect((await limitsOf(other)).remainingUploads).toBe(0)
  })

  it('changes and deletions keep the rate of the claim, and changes its duration and quota', async () => {
    const gateway = await startTestGateway({ ...DEFAULTS, RATE_LIMIT_CREATES: '50' })
    const claim = { maxDurationSeconds: 300, quotaMinutes: 6, createsPerMinute: 3 }
    const guest = gateway.as(await guestToken(claim))
    const { uid } = expectMinted(await createDirectUpload(guest, { maxDurationSeconds: 60 }))
    const { uid: other } = expectMinted(
      await createDirectUpload(guest, { maxDurationSeconds: 120 }),
    )
    const change = async (maxDurationSeconds: number) =>
      (await updateUpload(guest, { uid, maxDurationSeconds })).__typename
    expect([await change(301), await change(300), await change(240)]).toEqual([
      'InvalidInputError',
      'QuotaExceededError',
      'UpdateUploadSuccess',
    ])
    const rate = 'Rate limit exceeded: 3 changes per minute.'
    expect(await updateUpload(guest, { uid, name: 'third' })).toMatchObject({
      __typename: 'UpdateUploadSuccess',
    })
    expect(await updateUpload(guest, { uid, name: 'fourth' })).toMatchObject({ message: rate })
    const slow = gateway.as(await guestToken({ createsPerMinute: 1 }))
    const uids = [expectMinted(await createDirectUpload(slow)).uid]
    gateway.clock.advance(61)
    uids.push(expectMinted(await createDirectUpload(slow)).uid)
    const deletions = []
    for (const each of uids) deletions.push((await deleteUpload(slow, each)).__typename)
    expect(deletions).toEqual(['DeleteUploadSuccess', 'RateLimitedError'])
    expect((await deleteUpload(guest, other)).__typename).toBe('DeleteUploadSuccess')
  })
})

describe('forced settings', () => {
  const forced = {
    requireSignedURLs: true,
    allowedOrigins: ['guest.example.com'],
    meta: { campaign: 'spring', name: 'forced name' },
  }
  const against: MintRequest = {
    allowedOrigins: ['*.example.com'],
    name: 'own name',
    meta: { campaign: 'autumn', own: 'kept', Name: 'own name', NAME: 'own name' },
  }
  const video = z.object({
    result: z.looseObject({
      uid: z.string(),
      requireSignedURLs: z.boolean(),
      allowedOrigins: z.array(z.string()),
      meta: z.record(z.string(), z.unknown()),
    }),
  })

  async function videoAtStream({ emulator }: TestGateway, uid: string) {
    const response = await fetch(`${emulator.apiBaseUrl}/accounts/local/stream/${uid}`, {
      headers: { authorization: 'Bearer local-token' },
    })
    const { requireSignedURLs, allowedOrigins, meta } = video.parse(await response.json()).result
    const { campaign, own } = meta
    // A forced name stands alone: Stream may ignore the case of the key.
    const names = Object.entries(meta).filter(([key]) => key.toLowerCase() === 'name')
    return { requireSignedURLs, allowedOrigins, campaign, own, names }
  }

  it.each(endpoints)('of the token are on every upload by %s', async (name, mint) => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const token = await guestToken(forced)
    const request = name === '/tus' ? against : { ...against, requireSignedURLs: false as const }
    expect(await mint(gateway.url, token, request)).toBe('minted')
    const [uid = ''] = (await gateway.emulator.state()).videos.map((each) => each.uid)
    const atStream = {
      requireSignedURLs: true,
      allowedOrigins: ['guest.example.com'],
      campaign: 'spring',
      names: [['name', 'forced name']],
      own: 'kept',
    }
    expect(await videoAtStream(gateway, uid)).toEqual(atStream)

    const guest = gateway.as(token)
    expect(await readUpload(guest, uid)).toMatchObject({
      name: 'forced name',
      meta: { campaign: 'spring', own: 'kept' },
      constraints: { requireSignedURLs: true, allowedOrigins: ['guest.example.com'] },
    })
    const changes = [
      { requireSignedURLs: false },
      { allowedOrigins: [] },
      { meta: { own: 'kept' } },
      { meta: { own: 'kept', NAME: 'other name' } },
      { name: 'other name' },
      { name: null },
      { name: 'both', meta: { own: 'kept', campaign: 'winter' } },
    ]
    for (const change of changes) {
      expectUpdated(await updateUpload(guest, { uid, ...change }))
      expect([change, await videoAtStream(gateway, uid)]).toEqual([change, atStream])
    }
    // The other fields change.
    expectUpdated(await updateUpload(guest, { uid, meta: { own: 'changed' } }))
    expect(await videoAtStream(gateway, uid)).toEqual({ ...atStream, own: 'changed' })
  })

  it('of another token of the caller do not fail a concurrent request with the same key', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const callers = await Promise.all(
      [{ maxDurationSeconds: 59 }, { maxDurationSeconds: 60 }, undefined].map(async (headgate) =>
        gateway.as(await tokenFor('ada', headgate === undefined ? {} : { headgate })),
      ),
    )
    const [short, ...others] = await Promise.all(
      callers.map((caller) => createDirectUpload(caller, { idempotencyKey: 'key' })),
    )
    const uids = others.map((outcome) => expectMinted(outcome).uid)
    expect(new Set(uids).size).toBe(1)
    expect(short?.__typename).toMatch(/InvalidInputError|CreateDirectUploadSuccess/)
  })

  it('are part of what an idempotency key stands for', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const create = async (headgate?: Claim) => {
      const token = await tokenFor('ada', headgate === undefined ? {} : { headgate })
      return createDirectUpload(gateway.as(token), { idempotencyKey: 'key' })
    }
    const { uid } = expectMinted(await create())
    expect(expectMinted(await create({ maxDurationSeconds: 60 })).uid).toBe(uid)
    for (const headgate of [
      { requireSignedURLs: true },
      { allowedOrigins: ['example.com'] },
      { watermark: 'a'.repeat(32) },
      { meta: { campaign: 'spring' } },
    ]) {
      expect((await create(headgate)).__typename).toBe('IdempotencyConflictError')
    }
  })
})
