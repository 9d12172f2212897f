/**
 * Requests of a client without credentials: from another machine, or from a web page in a browser on
 * this machine. The outcome of a probe is a status, or `unreachable`.
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
 * An address of this machine that its loopback listeners do not serve. Without a network, it is another
 * address of the loopback network.
 */
export const OTHER_ADDRESS =
  addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.2'

/** Returns `unreachable` or the status; ` for any page` when every origin may read the response. */
function send(host: string, port: number, probe: Probe): Promise<string> {
  const { method = 'GET', path, headers = {}, body } = probe
  return new Promise((resolve, reject) => {
    const outgoing = request({ host, port, method, path, headers, agent: false })
    outgoing.on('response', (response) => {
      const isReadableByPages = response.headers['access-control-allow-origin'] !== undefined
      resolve(`${response.statusCode}${isReadableByPages ? ' for any page' : ''}`)
      response.destroy()
    })
    outgoing.on('upgrade', (response, socket) => {
      resolve(`${response.statusCode}`)
      socket.destroy()
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') resolve('unreachable')
      else reject(error)
    })
    outgoing.end(body)
  })
}

/** Sends the probes one after the other. */
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
const DEFAULT_TOKEN = { authorization: 'Bearer local-token' }
const EVIL_ORIGIN = 'http://evil.example'
/** Headers of a page whose host name resolves to this machine (DNS rebinding). */
const REBINDING = { host: 'evil.example', origin: EVIL_ORIGIN, 'sec-fetch-site': 'same-origin' }
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

/** Requests from another machine to the gateway, without a token. */
export const gatewayNetworkProbes = {
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

/** Requests from another machine to the emulator, with its published default token. */
export const emulatorNetworkProbes = {
  welcome: { path: '/' },
  'list without a token': { path: API },
  list: { path: API, headers: DEFAULT_TOKEN },
  delete: { method: 'DELETE', path: `${API}/${UID}`, headers: DEFAULT_TOKEN },
  'webhook secret': { path: `${API}/webhook`, headers: DEFAULT_TOKEN },
  'webhook to an inner address': {
    method: 'PUT',
    path: `${API}/webhook`,
    headers: { ...DEFAULT_TOKEN, ...JSON_TYPE },
    body: '{"notificationUrl":"http://127.0.0.1:9/inner"}',
  },
  state: { path: '/__emulator/state', headers: DEFAULT_TOKEN },
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

/** Requests of a page in a browser on this machine to the gateway. */
export const gatewayPageProbes = {
  'form that mints': {
    method: 'POST',
    path: '/graphql',
    headers: { 'content-type': 'text/plain', origin: EVIL_ORIGIN, 'sec-fetch-site': 'cross-site' },
    body: MINT,
  },
  preflight: {
    method: 'OPTIONS',
    path: '/graphql',
    headers: { origin: EVIL_ORIGIN, 'access-control-request-method': 'POST' },
  },
  query: {
    path: '/graphql?query=%7Buploads%7BtotalCount%7D%7D',
    headers: { 'sec-fetch-site': 'cross-site' },
  },
  socket: { path: '/graphql', headers: { ...UPGRADE, origin: EVIL_ORIGIN } },
  'mint by rebinding': {
    method: 'POST',
    path: '/graphql',
    headers: { ...REBINDING, ...JSON_TYPE },
    body: MINT,
  },
  'socket by rebinding': { path: '/graphql', headers: { ...UPGRADE, ...REBINDING } },
} satisfies Record<string, Probe>

/** Requests of a page in a browser on this machine to the emulator. */
export const emulatorPageProbes = {
  'form that resets': {
    method: 'POST',
    path: '/__emulator/reset',
    headers: { 'content-type': 'text/plain', origin: EVIL_ORIGIN, 'sec-fetch-site': 'cross-site' },
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
    headers: { origin: EVIL_ORIGIN, 'access-control-request-method': 'GET' },
  },
  state: { path: '/__emulator/state', headers: { 'sec-fetch-site': 'cross-site' } },
  'state by rebinding': { path: '/__emulator/state', headers: { ...REBINDING, ...DEFAULT_TOKEN } },
  'list by rebinding': { path: API, headers: { ...REBINDING, ...DEFAULT_TOKEN } },
  'webhook secret by rebinding': {
    path: `${API}/webhook`,
    headers: { host: 'evil.example', ...DEFAULT_TOKEN },
  },
  'reset by rebinding': {
    method: 'POST',
    path: '/__emulator/reset',
    headers: { ...REBINDING, ...JSON_TYPE },
    body: '{}',
  },
  'upload preflight': { method: 'OPTIONS', path: `/${UID}`, headers: { origin: EVIL_ORIGIN } },
  playback: { path: `/${UID}/video`, headers: { origin: EVIL_ORIGIN } },
} satisfies Record<string, Probe>
