/** Makes requests ready to send: bytes, and nothing to compute while the clock runs. */
import { createHmac } from 'node:crypto'
import type { Shot, Target } from './connection.ts'
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

/** How much more each notice about an upload tells than the one before, in percent. */
export const WEBHOOK_STEP = 0.001

/** A notice in Stream's own words, in which the uid and the percentage are still to be written. */
const [WEBHOOK_HEAD = '', ...WEBHOOK_DEPENDENCIES] = JSON.stringify({
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

/** A notice as Stream sends it, signed with the time at which it is made. */
export function makeWebhook(secret: string, uid: string, percent: number) {
  const told = percent.toFixed(6)
  let body = WEBHOOK_HEAD
  for (const part of WEBHOOK_DEPENDENCIES)
    body += (part.startsWith('#') ? uid : told) + part.slice(1)
  const time = Math.floor(Date.now() / 1000)
  const signature = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')
  return { body, signature: `time=${time},sig1=${signature}` }
}

/** The same, ready to send. */
export function webhookShot(secret: string, uid: string, percent: number): Shot {
  const { body, signature } = makeWebhook(secret, uid, percent)
  const bytes = postJson('/webhooks/stream', body, { 'webhook-signature': signature })
  return { bytes, marker: '' }
}

/** The next request, each time it is called. */
export function requestsFrom(source: Source): () => Shot {
  let made = 0
  if (source.kind === 'list') {
    const { shots } = source
    return () => {
      const shot = shots[made % shots.length]
      if (shot === undefined) throw new Error('There is no request to send.')
      made += 1
      return shot
    }
  }
  const { secret, uids, from } = source
  return () => {
    const percent = from + Math.floor(made / uids.length) * WEBHOOK_STEP
    const shot = webhookShot(secret, uids[made % uids.length] ?? '', percent)
    made += 1
    return shot
  }
}
