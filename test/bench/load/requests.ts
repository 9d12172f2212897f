/** Prepares requests as bytes, so that sending costs the load generator little CPU time. */
import { createHmac } from 'node:crypto'
import type { PreparedRequest, Target } from './connection.ts'
import type { Source } from './work.ts'

/** An HTTP/1.1 POST of JSON. */
export function postJson(
  path: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n${lines.join('')}` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

export function targetOf(url: string): Target {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}

/** Increase of the percentage between successive webhooks of an upload. */
export const WEBHOOK_STEP = 0.001

/** Body of a webhook, split at the places of the uid and the percentage. */
const [WEBHOOK_HEAD = '', ...WEBHOOK_SEGMENTS] = JSON.stringify({
  uid: '#',
  creator: null,
  thumbnail: 'https://customer-local.cloudflarestream.com/#/thumbnails/thumbnail.jpg',
  thumbnailTimestampPct: 0,
  readyToStream: false,
  status: { state: 'inprogress', pctComplete: '%', errorReasonCode: '', errorReasonText: '' },
  meta: { name: 'Measured' },
  created: '2026-01-01T00:00:00.000000Z',
  modified: '2026-01-01T00:00:00.000000Z',
  size: 4_190_963,
  preview: 'https://customer-local.cloudflarestream.com/#/watch',
  allowedOrigins: [],
  requireSignedURLs: false,
  uploaded: '2026-01-01T00:00:00.000000Z',
  maxSizeBytes: null,
  maxDurationSeconds: 3600,
  duration: 5.5,
  input: { width: 1280, height: 720 },
  playback: {
    hls: 'https://customer-local.cloudflarestream.com/#/manifest/video.m3u8',
    dash: 'https://customer-local.cloudflarestream.com/#/manifest/video.mpd',
  },
  watermark: null,
}).split(/(?=[#%])/)

/** A webhook as Stream sends it, signed with the current time. */
export function makeWebhook(secret: string, uid: string, percent: number) {
  const pctComplete = percent.toFixed(6)
  let body = WEBHOOK_HEAD
  for (const segment of WEBHOOK_SEGMENTS)
    body += (segment.startsWith('#') ? uid : pctComplete) + segment.slice(1)
  const time = Math.floor(Date.now() / 1000)
  const signature = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')
  return { body, signature: `time=${time},sig1=${signature}` }
}

/** A webhook as a prepared request. */
export function prepareWebhook(secret: string, uid: string, percent: number): PreparedRequest {
  const { body, signature } = makeWebhook(secret, uid, percent)
  const bytes = postJson('/webhooks/stream', body, { 'webhook-signature': signature })
  return { bytes, marker: '' }
}

/** Returns a function that returns the next request. */
export function requestsFrom(source: Source): () => PreparedRequest {
  let made = 0
  if (source.kind === 'list') {
    const { requests } = source
    return () => {
      const request = requests[made % requests.length]
      if (request === undefined) throw new Error('The list of requests is empty.')
      made += 1
      return request
    }
  }
  const { secret, uids, from } = source
  return () => {
    const percent = from + Math.floor(made / uids.length) * WEBHOOK_STEP
    const request = prepareWebhook(secret, uids[made % uids.length] ?? '', percent)
    made += 1
    return request
  }
}
