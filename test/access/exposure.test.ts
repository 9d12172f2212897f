/**
 * What those without rights can reach, in each way that the gateway and the emulator may be configured:
 * from another machine, and by a page that a browser on this machine has open.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { readConfig, readEmulatorConfig } from '../../src/config/node-config.ts'
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
  pageAtEmulator,
  pageAtGateway,
  strangerAtEmulator,
  strangerAtGateway,
} from './probes.ts'

type Variables = Readonly<Record<string, string>>

/** The same outcome for every probe. */
function all(probes: object, outcome: string): Outcomes {
  return Object.fromEntries(Object.keys(probes).map((name) => [name, outcome]))
}

const gatewayFromOutside = {
  /** It listens on loopback. */
  nothing: all(strangerAtGateway, 'unreachable'),
  /** Everybody is the administrator. */
  everything: {
    console: '200',
    health: '200',
    readiness: '200',
    metrics: '200',
    mint: '200',
    query: '200',
    tus: '201',
    'unsigned webhook': '401',
  },
  get withoutToken() {
    return { ...this.everything, mint: '401', query: '401', tus: '401' }
  },
  get withoutTokens() {
    return { ...this.withoutToken, metrics: '401' }
  },
}

const emulatorFromOutside = {
  none: null,
  nothing: all(strangerAtEmulator, 'unreachable'),
  uploadsOnly: {
    ...all(strangerAtEmulator, '401'),
    welcome: '200',
    'upload preflight': '204 for any page',
    'tus upload': '404 for any page',
    playback: '404 for any page',
  },
}

const gatewayForPages = {
  /** Without tokens, names are what keeps pages out. */
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

const emulatorForPages = {
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

/** What is reached from outside at the gateway and at the emulator, and by pages at both. */
type Reach = readonly [
  keyof typeof gatewayFromOutside,
  keyof typeof emulatorFromOutside,
  keyof typeof gatewayForPages,
  keyof typeof emulatorForPages,
]

const secret = { AUTH_JWT_SECRET: TEST_SECRET }
const jwks = { AUTH_JWKS_URL: 'http://127.0.0.1:9/keys' }
const disabled = { AUTH_DISABLED: 'true' }
const metrics = { METRICS_TOKEN: 'a token for Prometheus'.replaceAll(' ', '-') }
const everywhere = { HOST: '0.0.0.0' }
const everywhereByIPv6 = { HOST: '::' }
const network = { HOST: OTHER_ADDRESS }
const named = { PUBLIC_URL: 'https://uploads.example.com' }
const EMULATOR_TOKEN = 'a-token-of-this-test'

const here: Reach = ['nothing', 'nothing', 'addresses', 'addresses']
const hereWithTokens: Reach = ['nothing', 'nothing', 'tokens', 'addresses']
const outside: Reach = ['withoutToken', 'uploadsOnly', 'tokens', 'token']
const outsideOpen: Reach = ['everything', 'uploadsOnly', 'addresses', 'token']

const embedded: readonly (readonly [Variables, Reach])[] = [
  [{}, here],
  [{ HOST: 'localhost' }, here],
  [{ HOST: '::1' }, here],
  [disabled, here],
  [{ ...disabled, ...named }, here],
  [{ PUBLIC_URL: 'http://headgate.localhost:4000' }, here],
  [metrics, here],
  [{ EMULATOR_TOKEN }, here],
  [{ EMULATOR_PUBLIC_URL: 'http://emulator.localhost:4001' }, here],
  [
    { EMULATOR_PUBLIC_URL: 'https://stream.example.com' },
    ['nothing', 'nothing', 'addresses', 'token'],
  ],
  [secret, hereWithTokens],
  [jwks, hereWithTokens],
  [{ ...secret, ...jwks }, hereWithTokens],
  [{ ...secret, ...named }, hereWithTokens],
  [{ HOST: 'localhost', ...secret }, hereWithTokens],
  [{ ...everywhere, ...secret }, outside],
  [{ ...everywhere, ...jwks }, outside],
  [{ ...everywhere, ...secret, ...named }, outside],
  [{ ...everywhere, ...secret, PUBLIC_URL: `http://${OTHER_ADDRESS}:4000` }, outside],
  [{ ...everywhere, ...secret, PUBLIC_URL: 'http://localhost:4000' }, outside],
  [{ ...everywhere, ...secret, EMULATOR_TOKEN }, outside],
  [{ ...everywhere, ...secret, EMULATOR_PUBLIC_URL: 'http://localhost:4001' }, outside],
  [{ ...everywhere, ...secret, ...metrics }, ['withoutTokens', 'uploadsOnly', 'tokens', 'token']],
  [{ ...everywhereByIPv6, ...secret }, outside],
  [{ ...network, ...secret }, outside],
  [{ ...everywhere, ...disabled }, outsideOpen],
  [{ ...everywhere, ...disabled, ...named }, outsideOpen],
  [{ ...everywhereByIPv6, ...disabled }, outsideOpen],
]

const withAccount: readonly (readonly [Variables, Reach])[] = [
  [secret, ['nothing', 'none', 'tokens', 'none']],
  [{ ...jwks, ...named }, ['nothing', 'none', 'tokens', 'none']],
  [disabled, ['nothing', 'none', 'addresses', 'none']],
  [{ ...everywhere, ...secret }, ['withoutToken', 'none', 'tokens', 'none']],
  [{ ...everywhere, ...secret, ...jwks }, ['withoutToken', 'none', 'tokens', 'none']],
  [{ ...everywhereByIPv6, ...jwks, ...metrics }, ['withoutTokens', 'none', 'tokens', 'none']],
  [{ ...network, ...secret, ...named }, ['withoutToken', 'none', 'tokens', 'none']],
  [{ ...everywhere, ...disabled }, ['everything', 'none', 'addresses', 'none']],
]

const account = { CLOUDFLARE_ACCOUNT_ID: 'local', CLOUDFLARE_API_TOKEN: 'local-token' }

/** With the variable that the sentence begins with. */
const refused: readonly (readonly [Variables, string])[] = [
  [everywhere, 'AUTH_JWT_SECRET'],
  [everywhereByIPv6, 'AUTH_JWT_SECRET'],
  [network, 'AUTH_JWT_SECRET'],
  [{ ...everywhere, ...named }, 'AUTH_JWT_SECRET'],
  [named, 'AUTH_JWT_SECRET'],
  [{ ...named, HOST: '::1' }, 'AUTH_JWT_SECRET'],
  [{ PUBLIC_URL: `http://${OTHER_ADDRESS}:4000` }, 'AUTH_JWT_SECRET'],
  [{ ...everywhere, ...secret, ...disabled }, 'AUTH_JWT_SECRET'],
  [{ ...everywhere, ...secret, EMULATOR_TOKEN: 'local-token' }, 'EMULATOR_TOKEN'],
  [{ ...everywhere, ...secret, METRICS_TOKEN: 'short' }, 'METRICS_TOKEN'],
  [account, 'AUTH_JWT_SECRET'],
  [{ ...account, ...everywhere }, 'AUTH_JWT_SECRET'],
]

const hostOf = ({ HOST }: Variables): string => HOST ?? '127.0.0.1'
/** Not every machine has IPv6. */
const canListen = (variables: Variables): boolean => hasIPv6 || !hostOf(variables).includes(':')
/** Where a browser on this machine reaches it. */
const localAddress = (variables: Variables): string =>
  hostOf(variables).replace(/^(?:0\.0\.0\.0|::)$/, '127.0.0.1')
const portOf = (url: string): number => Number(new URL(url).port)

async function reachOf(
  variables: Variables,
  gatewayUrl: string,
  emulatorUrl: string | null,
): Promise<readonly (Outcomes | null)[]> {
  const local = localAddress(variables)
  const emulator = emulatorUrl === null ? null : portOf(emulatorUrl)
  const gateway = portOf(gatewayUrl)
  return [
    await outcomesAt(OTHER_ADDRESS, gateway, strangerAtGateway),
    emulator === null ? null : await outcomesAt(OTHER_ADDRESS, emulator, strangerAtEmulator),
    await outcomesAt(local, gateway, pageAtGateway),
    emulator === null ? null : await outcomesAt(local, emulator, pageAtEmulator),
  ]
}

function outcomesOf([fromOutside, emulator, forPages, emulatorPages]: Reach) {
  return [
    gatewayFromOutside[fromOutside],
    emulatorFromOutside[emulator],
    gatewayForPages[forPages],
    emulatorForPages[emulatorPages],
  ]
}

describe('the gateway with its emulator', () => {
  it.each(embedded.filter(([variables]) => canListen(variables)))(
    '%j',
    async (variables, reach) => {
      const gateway = await startTestGateway(variables)
      expect(await reachOf(variables, gateway.url, gateway.emulator.url)).toEqual(outcomesOf(reach))
    },
  )
})

describe('the gateway with an account', () => {
  let stream: Emulator
  beforeAll(async () => {
    stream = await startEmulator()
    return () => stream.close()
  })

  it.each(withAccount.filter(([variables]) => canListen(variables)))(
    '%j',
    async (variables, reach) => {
      const gateway = await startTestGateway({
        ...account,
        CLOUDFLARE_API_BASE_URL: stream.apiBaseUrl,
        STREAM_WEBHOOK_SECRET: '0123456789abcdef0123456789abcdef',
        ...variables,
      })
      expect(await reachOf(variables, gateway.url, null)).toEqual(outcomesOf(reach))
    },
  )
})

it.each(refused)('the gateway does not start with %j', async (variables, name) => {
  const outcome = readConfig(variables)
  const mistakes = outcome.kind === 'mistakes' ? outcome.errors : []
  expect(mistakes.map((mistake) => mistake.split(' ')[0])).toEqual([name])
})

/** As `headgate emulator` starts it. */
async function startAlone(variables: Variables): Promise<Emulator> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-test-'))
  const outcome = readEmulatorConfig({ EMULATOR_PORT: '0', EMULATOR_DIR: folder, ...variables })
  if (outcome.kind === 'mistakes') throw new Error(outcome.errors.join('\n'))
  const emulator = await startEmulatorFromConfig(outcome.config)
  onTestFinished(async () => {
    await emulator.close()
    await rm(folder, { recursive: true, force: true })
  })
  return emulator
}

describe('the emulator alone', () => {
  const alone: readonly (readonly [Variables, 'nothing' | 'uploadsOnly', 'addresses' | 'token'])[] =
    [
      [{}, 'nothing', 'addresses'],
      [named, 'nothing', 'addresses'],
      [{ EMULATOR_TOKEN }, 'nothing', 'addresses'],
      [{ ...everywhere, EMULATOR_TOKEN }, 'uploadsOnly', 'token'],
      [{ ...everywhereByIPv6, EMULATOR_TOKEN }, 'uploadsOnly', 'token'],
      [{ ...network, EMULATOR_TOKEN }, 'uploadsOnly', 'token'],
      [{ EMULATOR_PUBLIC_URL: 'http://ci.example:4001', EMULATOR_TOKEN }, 'nothing', 'token'],
    ]
  it.each(alone.filter(([variables]) => canListen(variables)))(
    '%j',
    async (variables, fromOutside, forPages) => {
      const { url } = await startAlone(variables)
      const local = localAddress(variables)
      expect([
        await outcomesAt(OTHER_ADDRESS, portOf(url), strangerAtEmulator),
        await outcomesAt(local, portOf(url), pageAtEmulator),
      ]).toEqual([emulatorFromOutside[fromOutside], emulatorForPages[forPages]])
    },
  )

  it.each<[Variables]>([
    [everywhere],
    [everywhereByIPv6],
    [network],
    [{ EMULATOR_PUBLIC_URL: 'http://ci.example:4001' }],
    [{ ...everywhere, EMULATOR_TOKEN: 'local-token' }],
    [{ ...everywhere, EMULATOR_TOKEN: 'a token of several words' }],
  ])('does not start with %j', async (variables) => {
    await expect(startAlone(variables)).rejects.toThrow(/^EMULATOR_TOKEN must [^\n]*$/)
  })

  it('is used from another machine by whoever has its token', async () => {
    const { url } = await startAlone({ ...everywhere, EMULATOR_TOKEN })
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

describe('startEmulator beyond loopback', () => {
  it('has a token that is random for each start', async () => {
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

const minted = z.object({
  createDirectUpload: z.object({
    uploadURL: z.url(),
    upload: z.object({ uid: z.string() }),
  }),
})
const played = z.object({ upload: z.object({ video: z.object({ previewURL: z.url() }) }) })

describe('a phone on the network', () => {
  it.each<[Variables, string]>([
    [{ ...everywhere, PUBLIC_URL: `http://${OTHER_ADDRESS}:4000` }, `http://${OTHER_ADDRESS}`],
    [network, `http://${OTHER_ADDRESS}`],
  ])('uploads to the emulator and plays, with %j', async (variables, origin) => {
    const gateway = await startTestGateway({ ...variables, ...secret })
    const caller = gateway.as(await tokenFor('ada'))
    const { createDirectUpload } = await caller.ask(
      minted,
      `mutation { createDirectUpload(input: { maxDurationSeconds: 60 }) {
        ... on CreateDirectUploadSuccess { uploadURL upload { uid } } } }`,
    )
    const { uploadURL, upload } = createDirectUpload
    const emulator = `${origin}:${portOf(gateway.emulator.url)}`
    expect(new URL(uploadURL).origin).toBe(emulator)
    const form = new FormData()
    form.set('file', testcardFile())
    expect((await fetch(uploadURL, { method: 'POST', body: form })).status).toBe(200)
    // Its webhook reaches the gateway, whose REST adapter has the emulator's token.
    expect((await watchToEnd(caller, upload.uid)).at(-1)?.status).toBe('READY')
    const { previewURL } = (
      await caller.ask(played, `{ upload(uid: "${upload.uid}") { video { previewURL } } }`)
    ).upload.video
    expect(new URL(previewURL).origin).toBe(emulator)
    expect((await fetch(previewURL)).status).toBe(200)
  })

  it.each<[Variables, string]>([
    [{ ...named, ...secret }, 'http://127.0.0.1:PORT'],
    [{ ...everywhere, ...secret }, 'http://127.0.0.1:PORT'],
    [{ ...everywhere, ...secret, ...named }, 'http://uploads.example.com:PORT'],
    [
      { ...everywhere, ...secret, ...named, EMULATOR_PUBLIC_URL: 'https://stream.example.com' },
      'https://stream.example.com',
    ],
  ])('is given upload URLs by the variables: %j', async (variables, origin) => {
    const gateway = await startTestGateway(variables)
    const caller = gateway.as(await tokenFor('ada'))
    const { createDirectUpload } = await caller.ask(
      minted,
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
