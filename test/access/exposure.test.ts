/**
 * What a client without credentials can reach for each configuration of the gateway and the emulator:
 * from another machine, and from a web page in a browser on this machine.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { readConfig } from '../../src/config/gateway-config.ts'
import { readEmulatorConfig } from '../../src/config/node-config.ts'
import { type Emulator, startEmulator } from '../../src/emulator/emulator.ts'
import { startEmulatorFromConfig } from '../../src/node/start-emulator.ts'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import { watchToEnd } from '../kit/operations.ts'
import {
  OTHER_ADDRESS,
  type Outcomes,
  hasIPv6,
  outcomesAt,
  emulatorPageProbes,
  gatewayPageProbes,
  emulatorNetworkProbes,
  gatewayNetworkProbes,
} from './probes.ts'

type Variables = Readonly<Record<string, string>>

/** One outcome for every probe. */
function all(probes: object, outcome: string): Outcomes {
  return Object.fromEntries(Object.keys(probes).map((name) => [name, outcome]))
}

const gatewayFromNetwork = {
  /** The server listens on loopback only. */
  unreachable: all(gatewayNetworkProbes, 'unreachable'),
  /** Authentication is disabled: every caller is the administrator. */
  open: {
    console: '200',
    health: '200',
    readiness: '200',
    metrics: '200',
    mint: '200',
    query: '200',
    tus: '201',
    'unsigned webhook': '401',
  },
  get authRequired() {
    return { ...this.open, mint: '401', query: '401', tus: '401' }
  },
  get authAndMetricsTokenRequired() {
    return { ...this.authRequired, metrics: '401' }
  },
}

const emulatorFromNetwork = {
  none: null,
  unreachable: all(emulatorNetworkProbes, 'unreachable'),
  uploadsOnly: {
    ...all(emulatorNetworkProbes, '401'),
    welcome: '200',
    'upload preflight': '204 for any page',
    'tus upload': '404 for any page',
    playback: '404 for any page',
  },
}

const gatewayFromPages = {
  /** Without tokens, the host allow-list rejects pages. */
  addresses: {
    'form that mints': '415',
    preflight: '204',
    query: '403',
    socket: '403',
    'mint by rebinding': '421',
    'socket by rebinding': '403',
  },
  get tokens() {
    return { ...this.addresses, 'mint by rebinding': '401' }
  },
}

const emulatorFromPages = {
  none: null,
  addresses: {
    'form that resets': '403',
    'form without an origin': '415',
    preflight: '403',
    state: '403',
    'state by rebinding': '421',
    'list by rebinding': '421',
    'webhook secret by rebinding': '421',
    'reset by rebinding': '421',
    'upload preflight': '204 for any page',
    playback: '404 for any page',
  },
  get token() {
    return {
      ...this.addresses,
      'form without an origin': '401',
      'state by rebinding': '401',
      'list by rebinding': '401',
      'webhook secret by rebinding': '401',
      'reset by rebinding': '401',
    }
  },
}

/** Expected outcomes: from the network at gateway and emulator, then from pages at both. */
type Exposure = readonly [
  keyof typeof gatewayFromNetwork,
  keyof typeof emulatorFromNetwork,
  keyof typeof gatewayFromPages,
  keyof typeof emulatorFromPages,
]

const secret = { AUTH_JWT_SECRET: TEST_SECRET }
const jwks = { AUTH_JWKS_URL: 'http://127.0.0.1:9/keys' }
const disabled = { AUTH_DISABLED: 'true' }
const metrics = { METRICS_TOKEN: 'a token for Prometheus'.replaceAll(' ', '-') }
const allInterfaces = { HOST: '0.0.0.0' }
const allInterfacesIPv6 = { HOST: '::' }
const otherAddress = { HOST: OTHER_ADDRESS }
const publicUrl = { PUBLIC_URL: 'https://uploads.example.com' }
const EMULATOR_TOKEN = 'a-token-of-this-test'

const loopback: Exposure = ['unreachable', 'unreachable', 'addresses', 'addresses']
const loopbackWithTokens: Exposure = ['unreachable', 'unreachable', 'tokens', 'addresses']
const exposed: Exposure = ['authRequired', 'uploadsOnly', 'tokens', 'token']
const exposedWithoutAuth: Exposure = ['open', 'uploadsOnly', 'addresses', 'token']

const embedded: readonly (readonly [Variables, Exposure])[] = [
  [{}, loopback],
  [{ HOST: 'localhost' }, loopback],
  [{ HOST: '::1' }, loopback],
  [disabled, loopback],
  [{ ...disabled, ...publicUrl }, loopback],
  [{ PUBLIC_URL: 'http://headgate.localhost:4000' }, loopback],
  [metrics, loopback],
  [{ EMULATOR_TOKEN }, loopback],
  [{ EMULATOR_PUBLIC_URL: 'http://emulator.localhost:4001' }, loopback],
  [
    { EMULATOR_PUBLIC_URL: 'https://stream.example.com' },
    ['unreachable', 'unreachable', 'addresses', 'token'],
  ],
  [secret, loopbackWithTokens],
  [jwks, loopbackWithTokens],
  [{ ...secret, ...jwks }, loopbackWithTokens],
  [{ ...secret, ...publicUrl }, loopbackWithTokens],
  [{ HOST: 'localhost', ...secret }, loopbackWithTokens],
  [{ ...allInterfaces, ...secret }, exposed],
  [{ ...allInterfaces, ...jwks }, exposed],
  [{ ...allInterfaces, ...secret, ...publicUrl }, exposed],
  [{ ...allInterfaces, ...secret, PUBLIC_URL: `http://${OTHER_ADDRESS}:4000` }, exposed],
  [{ ...allInterfaces, ...secret, PUBLIC_URL: 'http://localhost:4000' }, exposed],
  [{ ...allInterfaces, ...secret, EMULATOR_TOKEN }, exposed],
  [{ ...allInterfaces, ...secret, EMULATOR_PUBLIC_URL: 'http://localhost:4001' }, exposed],
  [
    { ...allInterfaces, ...secret, ...metrics },
    ['authAndMetricsTokenRequired', 'uploadsOnly', 'tokens', 'token'],
  ],
  [{ ...allInterfacesIPv6, ...secret }, exposed],
  [{ ...otherAddress, ...secret }, exposed],
  [{ ...allInterfaces, ...disabled }, exposedWithoutAuth],
  [{ ...allInterfaces, ...disabled, ...publicUrl }, exposedWithoutAuth],
  [{ ...allInterfacesIPv6, ...disabled }, exposedWithoutAuth],
]

const withAccount: readonly (readonly [Variables, Exposure])[] = [
  [secret, ['unreachable', 'none', 'tokens', 'none']],
  [{ ...jwks, ...publicUrl }, ['unreachable', 'none', 'tokens', 'none']],
  [disabled, ['unreachable', 'none', 'addresses', 'none']],
  [{ ...allInterfaces, ...secret }, ['authRequired', 'none', 'tokens', 'none']],
  [{ ...allInterfaces, ...secret, ...jwks }, ['authRequired', 'none', 'tokens', 'none']],
  [
    { ...allInterfacesIPv6, ...jwks, ...metrics },
    ['authAndMetricsTokenRequired', 'none', 'tokens', 'none'],
  ],
  [{ ...otherAddress, ...secret, ...publicUrl }, ['authRequired', 'none', 'tokens', 'none']],
  [{ ...allInterfaces, ...disabled }, ['open', 'none', 'addresses', 'none']],
]

const account = { CLOUDFLARE_ACCOUNT_ID: 'local', CLOUDFLARE_API_TOKEN: 'local-token' }

/** Rejected configurations, with the variable that the error message starts with. */
const rejectedConfigs: readonly (readonly [Variables, string])[] = [
  [allInterfaces, 'AUTH_JWT_SECRET'],
  [allInterfacesIPv6, 'AUTH_JWT_SECRET'],
  [otherAddress, 'AUTH_JWT_SECRET'],
  [{ ...allInterfaces, ...publicUrl }, 'AUTH_JWT_SECRET'],
  [publicUrl, 'AUTH_JWT_SECRET'],
  [{ ...publicUrl, HOST: '::1' }, 'AUTH_JWT_SECRET'],
  [{ PUBLIC_URL: `http://${OTHER_ADDRESS}:4000` }, 'AUTH_JWT_SECRET'],
  [{ ...allInterfaces, ...secret, ...disabled }, 'AUTH_JWT_SECRET'],
  [{ ...allInterfaces, ...secret, EMULATOR_TOKEN: 'local-token' }, 'EMULATOR_TOKEN'],
  [{ ...allInterfaces, ...secret, METRICS_TOKEN: 'short' }, 'METRICS_TOKEN'],
  [account, 'AUTH_JWT_SECRET'],
  [{ ...account, ...allInterfaces }, 'AUTH_JWT_SECRET'],
]

const hostOf = ({ HOST }: Variables): string => HOST ?? '127.0.0.1'
/** IPv6 addresses are skipped on a machine without IPv6. */
const canListen = (variables: Variables): boolean => hasIPv6 || !hostOf(variables).includes(':')
/** The address at which a browser on this machine reaches the server. */
const localAddress = (variables: Variables): string =>
  hostOf(variables).replace(/^(?:0\.0\.0\.0|::)$/, '127.0.0.1')
const portOf = (url: string): number => Number(new URL(url).port)

async function observedOutcomes(
  variables: Variables,
  gatewayUrl: string,
  emulatorUrl: string | null,
): Promise<readonly (Outcomes | null)[]> {
  const local = localAddress(variables)
  const emulator = emulatorUrl === null ? null : portOf(emulatorUrl)
  const gateway = portOf(gatewayUrl)
  return [
    await outcomesAt(OTHER_ADDRESS, gateway, gatewayNetworkProbes),
    emulator === null ? null : await outcomesAt(OTHER_ADDRESS, emulator, emulatorNetworkProbes),
    await outcomesAt(local, gateway, gatewayPageProbes),
    emulator === null ? null : await outcomesAt(local, emulator, emulatorPageProbes),
  ]
}

function expectedOutcomes([fromNetwork, emulator, fromPages, emulatorPages]: Exposure) {
  return [
    gatewayFromNetwork[fromNetwork],
    emulatorFromNetwork[emulator],
    gatewayFromPages[fromPages],
    emulatorFromPages[emulatorPages],
  ]
}

describe('the gateway with its emulator is reachable as configured', () => {
  it.each(embedded.filter(([variables]) => canListen(variables)))(
    '%j',
    async (variables, exposure) => {
      const gateway = await startTestGateway(variables)
      expect(await observedOutcomes(variables, gateway.url, gateway.emulator.url)).toEqual(
        expectedOutcomes(exposure),
      )
    },
  )
})

describe('the gateway with an account is reachable as configured', () => {
  let stream: Emulator
  beforeAll(async () => {
    stream = await startEmulator()
    return () => stream.close()
  })

  it.each(withAccount.filter(([variables]) => canListen(variables)))(
    '%j',
    async (variables, exposure) => {
      const gateway = await startTestGateway({
        ...account,
        CLOUDFLARE_API_BASE_URL: stream.apiBaseUrl,
        STREAM_WEBHOOK_SECRET: '0123456789abcdef0123456789abcdef',
        ...variables,
      })
      expect(await observedOutcomes(variables, gateway.url, null)).toEqual(
        expectedOutcomes(exposure),
      )
    },
  )
})

it.each(rejectedConfigs)('the gateway rejects the configuration %j', async (variables, name) => {
  const outcome = readConfig(variables)
  const errors = outcome.kind === 'errors' ? outcome.errors : []
  expect(errors.map((error) => error.split(' ')[0])).toEqual([name])
})

/** Starts the emulator as `headgate emulator` does. */
async function startStandalone(variables: Variables): Promise<Emulator> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-test-'))
  const outcome = readEmulatorConfig({ EMULATOR_PORT: '0', EMULATOR_DIR: folder, ...variables })
  if (outcome.kind === 'errors') throw new Error(outcome.errors.join('\n'))
  const emulator = await startEmulatorFromConfig(outcome.config, (error) => {
    throw error
  })
  onTestFinished(async () => {
    await emulator.close()
    await rm(folder, { recursive: true, force: true })
  })
  return emulator
}

describe('the standalone emulator', () => {
  const standalone: readonly (readonly [
    Variables,
    'unreachable' | 'uploadsOnly',
    'addresses' | 'token',
  ])[] = [
    [{}, 'unreachable', 'addresses'],
    [publicUrl, 'unreachable', 'addresses'],
    [{ EMULATOR_TOKEN }, 'unreachable', 'addresses'],
    [{ ...allInterfaces, EMULATOR_TOKEN }, 'uploadsOnly', 'token'],
    [{ ...allInterfacesIPv6, EMULATOR_TOKEN }, 'uploadsOnly', 'token'],
    [{ ...otherAddress, EMULATOR_TOKEN }, 'uploadsOnly', 'token'],
    [{ EMULATOR_PUBLIC_URL: 'http://ci.example:4001', EMULATOR_TOKEN }, 'unreachable', 'token'],
  ]
  it.each(standalone.filter(([variables]) => canListen(variables)))(
    '%j',
    async (variables, fromNetwork, fromPages) => {
      const { url } = await startStandalone(variables)
      const local = localAddress(variables)
      expect([
        await outcomesAt(OTHER_ADDRESS, portOf(url), emulatorNetworkProbes),
        await outcomesAt(local, portOf(url), emulatorPageProbes),
      ]).toEqual([emulatorFromNetwork[fromNetwork], emulatorFromPages[fromPages]])
    },
  )

  it.each<[Variables]>([
    [allInterfaces],
    [allInterfacesIPv6],
    [otherAddress],
    [{ EMULATOR_PUBLIC_URL: 'http://ci.example:4001' }],
    [{ ...allInterfaces, EMULATOR_TOKEN: 'local-token' }],
    [{ ...allInterfaces, EMULATOR_TOKEN: 'a token of several words' }],
  ])('rejects the configuration %j', async (variables) => {
    await expect(startStandalone(variables)).rejects.toThrow(/^EMULATOR_TOKEN must [^\n]*$/)
  })

  it('accepts requests from another machine with the configured token, except from pages', async () => {
    const { url } = await startStandalone({ ...allInterfaces, EMULATOR_TOKEN })
    const headers = { authorization: `Bearer ${EMULATOR_TOKEN}`, host: 'stream.ci.example' }
    const outcomes = await outcomesAt(OTHER_ADDRESS, portOf(url), {
      list: { path: '/client/v4/accounts/local/stream', headers },
      state: { path: '/__emulator/state', headers },
      reset: { method: 'POST', path: '/__emulator/reset', headers },
      'a page': {
        path: '/__emulator/state',
        headers: { ...headers, origin: 'http://evil.example' },
      },
    })
    expect(outcomes).toEqual({ list: '200', state: '200', reset: '200', 'a page': '403' })
  })
})

describe('startEmulator exposed loopback', () => {
  it('generates a new random token at each start', async () => {
    const first = await startEmulator({ host: '0.0.0.0' })
    onTestFinished(() => first.close())
    const second = await startEmulator({ publicUrl: 'http://stream.example:4001/' })
    onTestFinished(() => second.close())
    expect(first.token).toMatch(/^[\da-f]{64}$/)
    expect(second.token).toMatch(/^[\da-f]{64}$/)
    expect(second.token).not.toBe(first.token)
  })

  it.each(['local-token', ''])('rejects the token "%s"', async (token) => {
    const starting = startEmulator({ host: '0.0.0.0', token })
    await expect(starting).rejects.toThrow('is public')
  })
})

const createdSchema = z.object({
  createDirectUpload: z.object({
    uploadURL: z.url(),
    upload: z.object({ uid: z.string() }),
  }),
})
const videoSchema = z.object({ upload: z.object({ video: z.object({ previewURL: z.url() }) }) })

describe('a client on the otherAddress', () => {
  it.each<[Variables, string]>([
    [{ ...allInterfaces, PUBLIC_URL: `http://${OTHER_ADDRESS}:4000` }, `http://${OTHER_ADDRESS}`],
    [otherAddress, `http://${OTHER_ADDRESS}`],
  ])('uploads to the emulator and plays the video, with %j', async (variables, origin) => {
    const gateway = await startTestGateway({ ...variables, ...secret })
    const caller = gateway.as(await tokenFor('ada'))
    const { createDirectUpload } = await caller.request(
      createdSchema,
      `mutation { createDirectUpload(input: { maxDurationSeconds: 60 }) {
        ... on CreateDirectUploadSuccess { uploadURL upload { uid } } } }`,
    )
    const { uploadURL, upload } = createDirectUpload
    const emulator = `${origin}:${portOf(gateway.emulator.url)}`
    expect(new URL(uploadURL).origin).toBe(emulator)
    const form = new FormData()
    form.set('file', testcardFile())
    expect((await fetch(uploadURL, { method: 'POST', body: form })).status).toBe(200)
    // The webhook reaches the gateway, and the REST adapter of the gateway has the emulator's token.
    expect((await watchToEnd(caller, upload.uid)).at(-1)?.status).toBe('READY')
    const { previewURL } = (
      await caller.request(videoSchema, `{ upload(uid: "${upload.uid}") { video { previewURL } } }`)
    ).upload.video
    expect(new URL(previewURL).origin).toBe(emulator)
    expect((await fetch(previewURL)).status).toBe(200)
  })

  it.each<[Variables, string]>([
    [{ ...publicUrl, ...secret }, 'http://127.0.0.1:PORT'],
    [{ ...allInterfaces, ...secret }, 'http://127.0.0.1:PORT'],
    [{ ...allInterfaces, ...secret, ...publicUrl }, 'http://uploads.example.com:PORT'],
    [
      {
        ...allInterfaces,
        ...secret,
        ...publicUrl,
        EMULATOR_PUBLIC_URL: 'https://stream.example.com',
      },
      'https://stream.example.com',
    ],
  ])('receives upload URLs with the configured origin: %j', async (variables, origin) => {
    const gateway = await startTestGateway(variables)
    const caller = gateway.as(await tokenFor('ada'))
    const { createDirectUpload } = await caller.request(
      createdSchema,
      `mutation { createDirectUpload(input: { maxDurationSeconds: 60 }) {
        ... on CreateDirectUploadSuccess { uploadURL upload { uid } } } }`,
    )
    const expected = origin.replace('PORT', String(portOf(gateway.emulator.url)))
    expect(new URL(createDirectUpload.uploadURL).origin).toBe(expected)
    const page = await fetch(gateway.url, { headers: { accept: 'text/html' } })
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy.split('; ').find((part) => part.startsWith('connect-src'))).toBe(
      `connect-src 'self' ${expected}`,
    )
  })
})
