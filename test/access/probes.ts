/**
 * What somebody without rights sends: from another machine, or by a page that a browser on this machine
 * has open. Each probe is one request; what comes of it is a status, or that nothing listens there.
 */
import { request } from 'node:http'
import { networkInterfaces } from 'node:os'

export interface Probe {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** Outcomes by the name of the probe. */
export type Outcomes = Readonly<Record<string, string>>

const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])

/** Whether this machine has an IPv6 loopback address. */
export const hasIPv6 = addresses.some(({ address }) => address === '::1')

/**
 * An address of this machine at which its loopback listeners do not answer. Where it has no network,
 * that is another address of the loopback network.
 */
export const OTHER_ADDRESS =
  addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.2'

/** `unreachable`, or the status, with ` for any page` where every origin may read the response. */
function send(host: string, port: number, probe: Probe): Promise<string> {
  const { method = 'GET', path, headers = {}, body } = probe
  return new Promise((resolve, reject) => {
    const line = request({ host, port, method, path, headers, agent: false })
    line.on('response', (response) => {
      const isForPages = response.headers['access-control-allow-origin'] !== undefined
      resolve(`${response.statusCode}${isForPages ? ' for any page' : ''}`)
      response.destroy()
    })
    line.on('upgrade', (response, socket) => {
      resolve(`${response.statusCode}`)
      socket.destroy()
    })
    line.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') resolve('unreachable')
      else reject(error)
    })
    line.end(body)
  })
}

/** Each probe in turn. */
export async function outcomesAt(
  host: string,
  port: number,
  probes: Readonly<Record<string, Probe>>,
): Promise<Outcomes> {
  const outcomes: Record<string, string> = {}
  for (const [name, probe] of Object.entries(probes)) {
    outcomes[name] = await send(host, port, probe)
  }
  return outcomes
}

const JSON_TYPE = { 'content-type': 'application/json' }
const KNOWN_TOKEN = { authorization: 'Bearer local-token' }
const EVIL = 'http://evil.example'
/** A page of a name that was pointed at this machine. */
const REBOUND = { host: 'evil.example', origin: EVIL, 'sec-fetch-site': 'same-origin' }
const API = '/client/v4/accounts/local/stream'
const UID = '0123456789abcdef0123456789abcdef'
const MINT = JSON.stringify({
  query: 'mutation { createDirectUpload(input: { maxDurationSeconds: 60 }) { __typename } }',
})
const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'graphql-transport-ws',
}

/** From another machine to the gateway, without a token. */
export const strangerAtGateway = {
  console: { path: '/' },
  health: { path: '/healthz' },
  readiness: { path: '/readyz' },
  metrics: { path: '/metrics' },
  mint: { method: 'POST', path: '/graphql', headers: JSON_TYPE, body: MINT },
  query: { path: '/graphql?query=%7Buploads%7BtotalCount%7D%7D' },
  tus: {
    method: 'POST',
    path: '/tus',
    headers: { 'tus-resumable': '1.0.0', 'upload-length': '1000' },
  },
  'unsigned webhook': { method: 'POST', path: '/webhooks/stream', headers: JSON_TYPE, body: '{}' },
} satisfies Record<string, Probe>

/** From another machine to the emulator, with the token that everybody knows. */
export const strangerAtEmulator = {
  welcome: { path: '/' },
  'list without a token': { path: API },
  list: { path: API, headers: KNOWN_TOKEN },
  delete: { method: 'DELETE', path: `${API}/${UID}`, headers: KNOWN_TOKEN },
  'webhook secret': { path: `${API}/webhook`, headers: KNOWN_TOKEN },
  'webhook to an inner address': {
    method: 'PUT',
    path: `${API}/webhook`,
    headers: { ...KNOWN_TOKEN, ...JSON_TYPE },
    body: '{"notificationUrl":"http://127.0.0.1:9/inner"}',
  },
  state: { path: '/__emulator/state', headers: KNOWN_TOKEN },
  'state without a token': { path: '/__emulator/state' },
  clock: {
    method: 'POST',
    path: '/__emulator/clock',
    headers: JSON_TYPE,
    body: '{"advanceSeconds":1}',
  },
  faults: { method: 'DELETE', path: '/__emulator/faults' },
  reset: { method: 'POST', path: '/__emulator/reset' },
  'upload preflight': { method: 'OPTIONS', path: `/${UID}` },
  'tus upload': { method: 'HEAD', path: `/tus/${UID}`, headers: { 'tus-resumable': '1.0.0' } },
  playback: { path: `/${UID}/video` },
} satisfies Record<string, Probe>

/** By a page in a browser on this machine, to the gateway. */
export const pageAtGateway = {
  'form that mints': {
    method: 'POST',
    path: '/graphql',
    headers: { 'content-type': 'text/plain', origin: EVIL, 'sec-fetch-site': 'cross-site' },
    body: MINT,
  },
  preflight: {
    method: 'OPTIONS',
    path: '/graphql',
    headers: { origin: EVIL, 'access-control-request-method': 'POST' },
  },
  query: {
    path: '/graphql?query=%7Buploads%7BtotalCount%7D%7D',
    headers: { 'sec-fetch-site': 'cross-site' },
  },
  socket: { path: '/graphql', headers: { ...UPGRADE, origin: EVIL } },
  'mint by rebinding': {
    method: 'POST',
    path: '/graphql',
    headers: { ...REBOUND, ...JSON_TYPE },
    body: MINT,
  },
  'socket by rebinding': { path: '/graphql', headers: { ...UPGRADE, ...REBOUND } },
} satisfies Record<string, Probe>

/** By a page in a browser on this machine, to the emulator. */
export const pageAtEmulator = {
  'form that resets': {
    method: 'POST',
    path: '/__emulator/reset',
    headers: { 'content-type': 'text/plain', origin: EVIL, 'sec-fetch-site': 'cross-site' },
    body: '{"webhook":true}',
  },
  'form without an origin': {
    method: 'POST',
    path: '/__emulator/reset',
    headers: { 'content-type': 'text/plain' },
  },
  preflight: {
    method: 'OPTIONS',
    path: API,
    headers: { origin: EVIL, 'access-control-request-method': 'GET' },
  },
  state: { path: '/__emulator/state', headers: { 'sec-fetch-site': 'cross-site' } },
  'state by rebinding': { path: '/__emulator/state', headers: { ...REBOUND, ...KNOWN_TOKEN } },
  'list by rebinding': { path: API, headers: { ...REBOUND, ...KNOWN_TOKEN } },
  'webhook secret by rebinding': {
    path: `${API}/webhook`,
    headers: { host: 'evil.example', ...KNOWN_TOKEN },
  },
  'reset by rebinding': {
    method: 'POST',
    path: '/__emulator/reset',
    headers: { ...REBOUND, ...JSON_TYPE },
    body: '{}',
  },
  'upload preflight': { method: 'OPTIONS', path: `/${UID}`, headers: { origin: EVIL } },
  playback: { path: `/${UID}/video`, headers: { origin: EVIL } },
} satisfies Record<string, Probe>
