/**
 * `Upload-Metadata`, as tus and Cloudflare define it. The gateway and the emulator must read the same header
 * in the same way. https://developers.cloudflare.com/stream/uploading-videos/resumable-uploads/
 */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startTestGateway } from '../kit/gateway.ts'

const encode = (text: string): string => Buffer.from(text).toString('base64')
const pair = (key: string, text: string): string => `${key} ${encode(text)}`

/** In whole seconds, as the gateway sends it to Stream. */
function inDays(days: number): string {
  return new Date(Math.floor(Date.now() / 1000 + days * 86_400) * 1000).toISOString()
}

const video = z.object({
  result: z.object({
    meta: z.record(z.string(), z.unknown()),
    allowedOrigins: z.array(z.string()),
    requireSignedURLs: z.boolean(),
    thumbnailTimestampPct: z.number(),
    maxDurationSeconds: z.number(),
    uploadExpiry: z.string(),
    scheduledDeletion: z.string().nullish(),
  }),
})

interface Reading {
  readonly status: number
  readonly video: z.infer<typeof video>['result'] | null
}

/** Sends the header to the gateway, and to the emulator without the gateway. Returns what Stream then holds. */
async function readBoth(header: string): Promise<{ gateway: Reading; emulator: Reading }> {
  const { url, emulator } = await startTestGateway()
  const api = `${emulator.apiBaseUrl}/accounts/local/stream`
  const authorization = 'Bearer local-token'

  async function read(target: string): Promise<Reading> {
    const response = await fetch(target, {
      method: 'POST',
      headers: {
        authorization,
        'tus-resumable': '1.0.0',
        'upload-length': '1000',
        'upload-metadata': header,
      },
    })
    if (response.status !== 201) return { status: response.status, video: null }
    const uid = response.headers.get('stream-media-id') ?? ''
    const details = await fetch(`${api}/${uid}`, { headers: { authorization } })
    const { result } = video.parse(await details.json())
    // Added by the gateway.
    delete result.meta['headgate']
    return { status: 201, video: result }
  }
  const gateway = await read(`${url}/tus`)
  return { gateway, emulator: await read(`${api}?direct_user=true`) }
}

const ORIGINS = ['example.com', '*.example.com', 'localhost:3000']
const expiry = inDays(1 / 24)
const deletion = inDays(40)

/** Header, and what the video then has. */
const accepted: readonly (readonly [string, string, object])[] = [
  ['a list with commas', pair('allowedorigins', ORIGINS.join(',')), { allowedOrigins: ORIGINS }],
  ['a list with spaces', pair('allowedorigins', ORIGINS.join(', ')), { allowedOrigins: ORIGINS }],
  ['a JSON array', pair('allowedorigins', JSON.stringify(ORIGINS)), { allowedOrigins: ORIGINS }],
  [
    'a JSON array with spaces',
    pair('allowedOrigins', ' [ "a.com", "b.com" ] '),
    { allowedOrigins: ['a.com', 'b.com'] },
  ],
  ['one origin', pair('allowedorigins', 'a.com'), { allowedOrigins: ['a.com'] }],
  ['an empty array', pair('allowedorigins', '[]'), { allowedOrigins: [] }],
  ['a flag', 'requiresignedurls', { requireSignedURLs: true }],
  ['a flag with a space', 'requiresignedurls ,name YQ==', { requireSignedURLs: true }],
  ['a flag with a value', pair('requireSignedURLs', 'true'), { requireSignedURLs: true }],
  [
    'a duration in any case',
    pair('MaxDurationSeconds', '600'),
    { maxDurationSeconds: 600, meta: {} },
  ],
  ['a fraction', pair('thumbnailtimestamppct', '0.5'), { thumbnailTimestampPct: 0.5 }],
  ['a short fraction', pair('thumbnailtimestamppct', '.5'), { thumbnailTimestampPct: 0.5 }],
  ['a whole fraction', pair('thumbnailTimestampPct', '1'), { thumbnailTimestampPct: 1 }],
  ['an expiry', pair('expiry', expiry), { uploadExpiry: expiry }],
  ['an expiry in lower case', pair('expiry', expiry.toLowerCase()), { uploadExpiry: expiry }],
  ['a deletion', pair('scheduledDeletion', deletion), { scheduledDeletion: deletion }],
  [
    'own keys, one without a value, two that differ in case',
    `name ${encode('é')},flag,Kind ${encode('a')},kind ${encode('b')}`,
    { meta: { name: 'é', flag: '', Kind: 'a', kind: 'b' } },
  ],
  [
    'a setting and a pair after a space',
    `name YQ==, requiresignedurls, kind YQ==`,
    { requireSignedURLs: true, meta: { name: 'a', kind: 'a' } },
  ],
  ['base64 without padding', 'name YQ', { meta: { name: 'a' } }],
  ['no pair', '', { meta: {} }],
]

describe('is read alike by the gateway and the emulator:', () => {
  it.each(accepted)('%s', async (_name, header, expected) => {
    const { gateway, emulator } = await readBoth(header)
    expect(gateway).toMatchObject({ status: 201, video: expected })
    expect(emulator).toMatchObject({ status: 201, video: expected })
    // Without these two settings the gateway sends its own defaults.
    const defaults = { maxDurationSeconds: 0, uploadExpiry: '' }
    expect({ ...gateway.video, ...defaults }).toEqual({ ...emulator.video, ...defaults })
  })

  it('a fraction with all digits of a JavaScript number', async () => {
    const { gateway, emulator } = await readBoth(pair('thumbnailtimestamppct', String(1 / 3)))
    expect(gateway.video?.thumbnailTimestampPct).toBeCloseTo(1 / 3, 6)
    expect(emulator.video?.thumbnailTimestampPct).toBeCloseTo(1 / 3, 6)
  })
})

const rejected: readonly (readonly [string, string])[] = [
  ['an empty key', `name YQ==, ${encode('value')}`],
  ['an empty key between commas', 'name YQ==,,kind YQ=='],
  ['a comma at the end', 'name YQ==,'],
  ['two spaces', 'name  YQ=='],
  ['a third part', 'name YQ== YQ=='],
  ['a key twice', 'kind YQ==,kind Yg=='],
  ['a setting twice', 'expiry,expiry'],
  [
    'a setting twice in different case',
    `${pair('maxDurationSeconds', '60')},maxdurationseconds NjA=`,
  ],
  ['a flag twice in different case', 'requiresignedurls,requireSignedURLs'],
  ['a key that is not ASCII', 'na\u{e9}me YQ=='],
  ['a value that is not base64', 'name %%%'],
  ['a value with too little padding', 'name YQ='],
  ['a value in base64url', 'name _-8='],
  ['a value that is not UTF-8', 'name /w=='],
  ['origins without a value', 'allowedorigins'],
  ['origins with a comma at the end', pair('allowedorigins', 'a.com,')],
  ['origins as half an array', pair('allowedorigins', '["a.com"')],
  ['origins as an array of numbers', pair('allowedorigins', '[1]')],
  ['origins as a nested array', pair('allowedorigins', '[["a.com"]]')],
  ['origins without quotes', pair('allowedorigins', '[a.com]')],
  ['origins as a JSON text', pair('allowedorigins', '"a.com"')],
  ['an origin that is a URL', pair('allowedorigins', '["https://a.com/"]')],
  ['a duration without a value', 'maxDurationSeconds'],
  ['a duration with a fraction', pair('maxDurationSeconds', '600.0')],
  ['a duration with a space', pair('maxDurationSeconds', ' 600')],
  ['a duration in words', pair('maxDurationSeconds', 'ten')],
  ['a fraction above 1', pair('thumbnailtimestamppct', '1.5')],
  ['a fraction with an exponent', pair('thumbnailtimestamppct', '5e-1')],
  ['a fraction without a value', 'thumbnailtimestamppct'],
  ['an expiry without a value', 'expiry'],
  ['an expiry with a space', pair('expiry', expiry.replace('T', ' '))],
  ['an expiry without an offset', pair('expiry', expiry.replace('Z', ''))],
  ['an expiry in seconds', pair('expiry', String(Math.round(Date.now() / 1000) + 3600))],
  ['a deletion that is too early', pair('scheduleddeletion', inDays(1))],
  ['a deletion at 24:00', pair('scheduleddeletion', `${deletion.slice(0, 10)}T24:00:00Z`)],
  ['a watermark', pair('watermark', '0'.repeat(32))],
]

describe('is rejected by the gateway and the emulator:', () => {
  it.each(rejected)('%s', async (_name, header) => {
    const { gateway, emulator } = await readBoth(header)
    expect([gateway.status, emulator.status]).toEqual([400, 400])
  })
})
