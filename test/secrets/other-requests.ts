/** What comes to the other doors: tus creations, notices, probes, and paths that lead nowhere. */
import {
  type Tokens,
  jwtSecret,
  metricsToken,
  oldWebhookSecret,
  password,
  signWebhook,
  webhookSecret,
} from './test-secrets.ts'
import type { Knock } from './send-requests.ts'

const TUS = { 'tus-resumable': '1.0.0' }

/** Every way in which /tus refuses, and a creation that it takes. */
export function tusRequests({ ada, refused }: Tokens): Knock[] {
  const { text: token, secret } = ada
  const pasted = btoa(token)
  const good = { ...TUS, authorization: `Bearer ${token}`, 'upload-length': '5242880' }
  const post = (name: string, headers: Record<string, string>, body?: string): Knock => ({
    name: `tus: ${name}`,
    path: `/tus?token=${token}`,
    method: 'POST',
    headers,
    own: [secret],
    ...(body === undefined ? {} : { body }),
  })
  const described = (name: string, metadata: string) =>
    post(name, { ...good, 'upload-metadata': metadata })
  return [
    ...refused.map(({ text, secret: { name } }) =>
      post(name, { ...good, authorization: `Bearer ${text}` }),
    ),
    post('nobody', { ...TUS, 'upload-length': '10' }),
    post('no version', { authorization: `Bearer ${token}`, 'upload-length': '10' }),
    post('a token for a length', { ...good, 'upload-length': token }),
    post('a deferred length', {
      ...TUS,
      authorization: `Bearer ${token}`,
      'upload-defer-length': '1',
    }),
    post('bytes', good, token),
    described('a token that is not base64', `name ${token}`),
    described('a token for a key', `${token} ${pasted}`),
    described('the same key twice', `${token} ${pasted},${token} ${pasted}`),
    described('a token for a duration', `maxDurationSeconds ${pasted}`),
    described('a token for a moment', `expiry ${pasted}`),
    described('a token for an origin', `allowedorigins ${btoa(`https://${token}`)}`),
    described('a token for a flag', `requiresignedurls ${pasted}`),
    described('too many minutes', `maxDurationSeconds ${btoa('36000')}`),
    post('a key that is too long', { ...good, 'idempotency-key': `${token}${'x'.repeat(256)}` }),
    ...['HEAD', 'PATCH', 'DELETE', 'PUT', 'OPTIONS'].map((method): Knock => {
      return { name: `tus: ${method}`, path: '/tus', method, headers: good }
    }),
  ]
}

function webhook(name: string, body: string, signature: string | null): Knock {
  return {
    name: `notice: ${name}`,
    path: `/webhooks/stream?secret=${webhookSecret}`,
    method: 'POST',
    headers: signature === null ? {} : { 'webhook-signature': signature },
    body,
  }
}

/** Notices that are refused, and such as are believed. `uid` is that of an upload of ada's. */
export function webhookRequests(uid: string): Knock[] {
  const ready = JSON.stringify({
    uid,
    readyToStream: true,
    status: { state: 'inprogress', pctComplete: '39.000000' },
    note: password,
  })
  const stranger = ready.replace(uid, 'e'.repeat(32))
  const broken = `{"uid":"${password}`
  const nameless = JSON.stringify({ uid: { password } })
  const large = JSON.stringify({ uid, pad: password.repeat(9000) })
  return [
    webhook('unsigned', ready, null),
    webhook('the secret for a signature', ready, webhookSecret),
    webhook('the secret in a signature', ready, `time=1,sig1=${webhookSecret}`),
    webhook('another secret', ready, signWebhook(ready, jwtSecret)),
    webhook('stale', ready, signWebhook(ready, webhookSecret, Date.now() - 301_000)),
    webhook('not JSON', broken, signWebhook(broken, webhookSecret)),
    webhook('no video', nameless, signWebhook(nameless, webhookSecret)),
    webhook('too large', large, signWebhook(large, webhookSecret)),
    webhook('unknown', stranger, signWebhook(stranger, oldWebhookSecret)),
    webhook('known', ready, signWebhook(ready, webhookSecret)),
    { name: 'notice: GET', path: '/webhooks/stream' },
  ]
}

function scrape(name: string, authorization: string): Knock {
  return { name: `metrics: ${name}`, path: '/metrics', headers: { authorization } }
}

/** Scrapes: with the right token, with a caller's, with the right one where nobody looks for it. */
export function scrapeRequests({ ada }: Tokens): Knock[] {
  return [
    scrape('the right token', `Bearer ${metricsToken}`),
    scrape("a caller's token", `Bearer ${ada.text}`),
    scrape('the right token by another scheme', `Basic ${metricsToken}`),
  ]
}

/** Probes, pages and paths, with tokens where people have been seen to put them. */
export function strayRequests({ ada }: Tokens): Knock[] {
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
    ['GET', 'POST', 'DELETE'].map((method): Knock => {
      const shown = path.replace(token, '…').replace(webhookSecret, '…')
      return { name: `${method} ${shown}`, path: `${path}?token=${token}`, method, headers }
    }),
  )
}
