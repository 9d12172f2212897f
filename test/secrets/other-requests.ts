/** Requests to the endpoints besides /graphql: tus creations, webhooks, probes and unknown paths. */
import {
  type Tokens,
  jwtSecret,
  metricsToken,
  oldWebhookSecret,
  password,
  signWebhook,
  webhookSecret,
} from './test-secrets.ts'
import type { NamedRequest } from './send-requests.ts'

const TUS = { 'tus-resumable': '1.0.0' }

/** Requests that /tus rejects, one for each reason, and some that it accepts. */
export function tusRequests({ ada, rejected }: Tokens): NamedRequest[] {
  const { text: token, secret } = ada
  const pasted = btoa(token)
  const validHeaders = { ...TUS, authorization: `Bearer ${token}`, 'upload-length': '5242880' }
  const post = (name: string, headers: Record<string, string>, body?: string): NamedRequest => ({
    name: `tus: ${name}`,
    path: `/tus?token=${token}`,
    method: 'POST',
    headers,
    own: [secret],
    ...(body === undefined ? {} : { body }),
  })
  const withMetadata = (name: string, metadata: string) =>
    post(name, { ...validHeaders, 'upload-metadata': metadata })
  return [
    ...rejected.map(({ text, secret: { name } }) =>
      post(name, { ...validHeaders, authorization: `Bearer ${text}` }),
    ),
    post('no token', { ...TUS, 'upload-length': '10' }),
    post('no version', { authorization: `Bearer ${token}`, 'upload-length': '10' }),
    post('a token for a length', { ...validHeaders, 'upload-length': token }),
    post('a deferred length', {
      ...TUS,
      authorization: `Bearer ${token}`,
      'upload-defer-length': '1',
    }),
    post('bytes', validHeaders, token),
    withMetadata('a token that is not base64', `name ${token}`),
    withMetadata('a token for a key', `${token} ${pasted}`),
    withMetadata('the same key twice', `${token} ${pasted},${token} ${pasted}`),
    withMetadata('a token for a duration', `maxDurationSeconds ${pasted}`),
    withMetadata('a token for a timestamp', `expiry ${pasted}`),
    withMetadata('a token for an origin', `allowedorigins ${btoa(`https://${token}`)}`),
    withMetadata('a token for a flag', `requiresignedurls ${pasted}`),
    withMetadata('too many minutes', `maxDurationSeconds ${btoa('36000')}`),
    post('a key that is too long', {
      ...validHeaders,
      'idempotency-key': `${token}${'x'.repeat(256)}`,
    }),
    ...['HEAD', 'PATCH', 'DELETE', 'PUT', 'OPTIONS'].map((method): NamedRequest => {
      return { name: `tus: ${method}`, path: '/tus', method, headers: validHeaders }
    }),
  ]
}

function webhook(name: string, body: string, signature: string | null): NamedRequest {
  return {
    name: `webhook: ${name}`,
    path: `/webhooks/stream?secret=${webhookSecret}`,
    method: 'POST',
    headers: signature === null ? {} : { 'webhook-signature': signature },
    body,
  }
}

/** Webhooks that are rejected, and some that are accepted. `uid` is that of an upload of ada. */
export function webhookRequests(uid: string): NamedRequest[] {
  const ready = JSON.stringify({
    uid,
    readyToStream: true,
    status: { state: 'inprogress', pctComplete: '39.000000' },
    note: password,
  })
  const otherUid = ready.replace(uid, 'e'.repeat(32))
  const malformed = `{"uid":"${password}`
  const withoutUid = JSON.stringify({ uid: { password } })
  const large = JSON.stringify({ uid, pad: password.repeat(9000) })
  return [
    webhook('unsigned', ready, null),
    webhook('the secret for a signature', ready, webhookSecret),
    webhook('the secret in a signature', ready, `time=1,sig1=${webhookSecret}`),
    webhook('another secret', ready, signWebhook(ready, jwtSecret)),
    webhook('stale', ready, signWebhook(ready, webhookSecret, Date.now() - 301_000)),
    webhook('not JSON', malformed, signWebhook(malformed, webhookSecret)),
    webhook('no video', withoutUid, signWebhook(withoutUid, webhookSecret)),
    webhook('too large', large, signWebhook(large, webhookSecret)),
    webhook('unknown', otherUid, signWebhook(otherUid, oldWebhookSecret)),
    webhook('known', ready, signWebhook(ready, webhookSecret)),
    { name: 'webhook: GET', path: '/webhooks/stream' },
  ]
}

function scrape(name: string, authorization: string): NamedRequest {
  return { name: `metrics: ${name}`, path: '/metrics', headers: { authorization } }
}

/** Scrapes of /metrics: with the metrics token, with a caller's token, with the wrong scheme. */
export function scrapeRequests({ ada }: Tokens): NamedRequest[] {
  return [
    scrape('the right token', `Bearer ${metricsToken}`),
    scrape("a caller's token", `Bearer ${ada.text}`),
    scrape('the right token by another scheme', `Basic ${metricsToken}`),
  ]
}

/** Probes, pages and unknown paths, with tokens in paths, query strings, cookies and headers. */
export function otherPathRequests({ ada }: Tokens): NamedRequest[] {
  const { text: token } = ada
  const paths = [
    '/healthz',
    '/readyz',
    '/',
    '/metrics',
    '/favicon.ico',
    `/${token}`,
    `/graphql/${token}`,
    `/tus/${token}`,
    `/webhooks/stream/${webhookSecret}`,
    '/%E0%A4%A',
  ]
  const headers = { cookie: `session=${token}`, 'x-api-key': token, referer: `https://x/?${token}` }
  return paths.flatMap((path) =>
    ['GET', 'POST', 'DELETE'].map((method): NamedRequest => {
      const redacted = path.replace(token, '…').replace(webhookSecret, '…')
      return { name: `${method} ${redacted}`, path: `${path}?token=${token}`, method, headers }
    }),
  )
}
