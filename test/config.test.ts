/** The configuration from environment variables: defaults, valid values, and all errors. */
import { describe, expect, test } from 'vitest'
import { type Config, readConfig } from '../src/config/gateway-config.ts'

type Environment = Readonly<Record<string, string>>

const SECRET = 'a secret of thirty-two bytes....'
const account = { CLOUDFLARE_ACCOUNT_ID: 'account', CLOUDFLARE_API_TOKEN: 'api-token' }
const signed = { AUTH_JWT_SECRET: SECRET }

function configOf(environment: Environment): Config {
  const outcome = readConfig(environment)
  if (outcome.kind === 'errors') throw new Error(outcome.errors.join('\n'))
  return outcome.config
}

function errorsOf(environment: Environment): readonly string[] {
  const outcome = readConfig(environment)
  return outcome.kind === 'errors' ? outcome.errors : []
}

/** Returns the variable at the start of each error. */
function namesOf(environment: Environment): string[] {
  return errorsOf(environment).map((error) => error.split(' ')[0] ?? '')
}

const defaults = {
  host: '127.0.0.1',
  port: 4000,
  publicURL: null,
  stream: {
    kind: 'emulator',
    port: 4001,
    directory: '.headgate/emulator',
    storageMinutes: 1000,
    diskBytes: 20_000_000_000,
    encodeMs: 2000,
    token: null,
    publicURL: null,
  },
  webhookSecrets: [],
  database: { kind: 'sqlite', file: '.headgate/headgate.db' },
  auth: { kind: 'disabled' },
  allowedOrigins: [],
  maxDurationSeconds: 36_000,
  creatorQuotaMinutes: null,
  createsPerMinute: 60,
  signingKey: null,
  callbacks: null,
  watermarkUid: null,
  introspection: true,
  federation: false,
  trustedDocuments: null,
  metricsToken: null,
  logLevel: 'info',
} as const satisfies Partial<Config>

describe('without variables', () => {
  test('the emulator runs on a loopback address', () => {
    expect(configOf({})).toMatchObject(defaults)
  })

  test('an empty or blank variable counts as unset', () => {
    const empty = { PORT: '', HOST: ' ', AUTH_JWT_SECRET: '', CLOUDFLARE_ACCOUNT_ID: '  ' }
    expect(configOf(empty)).toMatchObject(defaults)
  })

  test('unknown variables are ignored', () => {
    expect(configOf({ PATH: '/bin', NODE_ENV: 'production' })).toMatchObject(defaults)
  })
})

describe('each variable is read', () => {
  test.each<[variables: Environment, config: object]>([
    [{ HOST: 'localhost' }, { host: 'localhost' }],
    [{ PORT: '0' }, { port: 0 }],
    [{ PORT: ' 65535 ' }, { port: 65_535 }],
    [
      { PUBLIC_URL: 'https://video.example.com/', AUTH_DISABLED: 'true' },
      { publicURL: 'https://video.example.com' },
    ],
    [
      { PUBLIC_URL: 'HTTP://Video.Example.com:80', AUTH_DISABLED: 'true' },
      { publicURL: 'http://video.example.com' },
    ],
    [
      { STREAM_WEBHOOK_SECRET: `${'1'.repeat(32)},${'2'.repeat(32)}` },
      { webhookSecrets: ['1'.repeat(32), '2'.repeat(32)] },
    ],
    [
      { DATABASE_URL: 'file:/var/lib/h.db' },
      { database: { kind: 'sqlite', file: '/var/lib/h.db' } },
    ],
    [{ DATABASE_URL: 'file::memory:' }, { database: { kind: 'sqlite', file: ':memory:' } }],
    [
      { DATABASE_URL: 'postgres://u:p@db:5433/h' },
      { database: { kind: 'postgres', url: 'postgres://u:p@db:5433/h', connections: 10 } },
    ],
    [
      { DATABASE_URL: 'postgresql://db/h?sslmode=require', DATABASE_CONNECTIONS: '20' },
      {
        database: {
          kind: 'postgres',
          url: 'postgresql://db/h?sslmode=require',
          connections: 20,
        },
      },
    ],
    [
      { ALLOWED_ORIGINS: 'https://a.com/,http://localhost:3000' },
      { allowedOrigins: ['https://a.com', 'http://localhost:3000'] },
    ],
    [{ MAX_DURATION_SECONDS: '1' }, { maxDurationSeconds: 1 }],
    [{ CREATOR_QUOTA_MINUTES: '600' }, { creatorQuotaMinutes: 600 }],
    [{ RATE_LIMIT_CREATES: '1' }, { createsPerMinute: 1 }],
    [{}, { streamApiBudget: null }],
    [{ ...account, ...signed }, { streamApiBudget: 1000 }],
    [{ STREAM_API_BUDGET: '10' }, { streamApiBudget: 10 }],
    [{ ...account, ...signed, STREAM_API_BUDGET: '1200' }, { streamApiBudget: 1200 }],
    [{ STREAM_API_BUDGET: '1000000' }, { streamApiBudget: 1_000_000 }],
    [
      {
        ...account,
        ...signed,
        CLOUDFLARE_API_BASE_URL: 'http://api.cloudflare.com.example/client/v4',
        STREAM_API_BUDGET: '1000000',
      },
      { streamApiBudget: 1_000_000 },
    ],
    [
      { WATERMARK_UID: 'ea95132c15732412d22c1476fa83f27a' },
      { watermarkUid: 'ea95132c15732412d22c1476fa83f27a' },
    ],
    [{ INTROSPECTION: 'false' }, { introspection: false }],
    [{ FEDERATION: 'true' }, { federation: true }],
    [{ METRICS_TOKEN: 'pass-word!16-chr' }, { metricsToken: 'pass-word!16-chr' }],
    [{ LOG_LEVEL: 'silent' }, { logLevel: 'silent' }],
    [
      {
        EMULATOR_PORT: '0',
        EMULATOR_DIR: '/tmp/e',
        EMULATOR_STORAGE_MINUTES: '0',
        EMULATOR_ENCODE_MS: '0',
        EMULATOR_TOKEN: 'sixteen-letters!',
        EMULATOR_PUBLIC_URL: 'http://192.168.1.5:4001/',
      },
      {
        stream: {
          kind: 'emulator',
          port: 0,
          directory: '/tmp/e',
          storageMinutes: 0,
          encodeMs: 0,
          token: 'sixteen-letters!',
          publicURL: 'http://192.168.1.5:4001',
        },
      },
    ],
    [
      { ...account, ...signed },
      {
        stream: {
          kind: 'account',
          accountId: 'account',
          apiToken: 'api-token',
          baseURL: 'https://api.cloudflare.com/client/v4',
        },
      },
    ],
    [
      { ...account, ...signed, CLOUDFLARE_API_BASE_URL: 'http://127.0.0.1:4001/client/v4/' },
      { stream: { baseURL: 'http://127.0.0.1:4001/client/v4' } },
    ],
  ])('%j', (variables, config) => {
    expect(configOf(variables)).toMatchObject(config)
  })
})

describe('an invalid value is an error', () => {
  test.each<[name: string, values: string[]]>([
    ['PORT', ['-1', '65536', '80.5', '4e3', '0x50', 'http', '4000 4001', '٤٠٠٠']],
    ['MAX_DURATION_SECONDS', ['0', '36001', 'ten']],
    ['CREATOR_QUOTA_MINUTES', ['0', '-5', '1.5', '9'.repeat(16)]],
    ['RATE_LIMIT_CREATES', ['0', 'none']],
    ['WATERMARK_UID', ['a/b', '..', 'two words', 'x'.repeat(65)]],
    ['STREAM_API_BUDGET', ['9', '10.5', 'all']],
    ['METRICS_TOKEN', ['fifteen-letters', 'a pass phrase of words', 'Schlüssel-des-Tors']],
    ['EMULATOR_PORT', ['65536', '-1']],
    ['EMULATOR_TOKEN', ['local-token', 'fifteen-letters', 'a pass phrase of words']],
    ['EMULATOR_PUBLIC_URL', ['stream.example.com', 'http://a.com/path', 'ftp://a.com']],
    ['EMULATOR_STORAGE_MINUTES', ['-1', 'lots']],
    ['EMULATOR_ENCODE_MS', ['-1', '2s']],
    ['PUBLIC_URL', ['video.example.com', 'https://a.com/path', 'ftp://a.com', 'https://u:p@a.com']],
    ['ALLOWED_ORIGINS', ['*', 'a.com', 'https://a.com/path', 'https://a.com,null']],
    ['INTROSPECTION', ['yes', '1', 'TRUE']],
    ['AUTH_DISABLED', ['yes', '0', 'False']],
    ['LOG_LEVEL', ['verbose', 'INFO', 'toString']],
    ['AUTH_JWKS_URL', ['id.example.com', 'file:///keys.json', 'https://']],
    ['AUTH_JWT_SECRET', ['too short', 'x'.repeat(31), 'ü'.repeat(15)]],
    ['DATABASE_URL', ['mysql://h/d', 'headgate.db', 'file:']],
  ])('%s', (name, values) => {
    for (const value of values) expect([value, namesOf({ [name]: value })]).toEqual([value, [name]])
  })

  test.each([
    {},
    { CLOUDFLARE_API_BASE_URL: 'https://api.cloudflare.com/client/v4' },
    { CLOUDFLARE_API_BASE_URL: 'https://API.cloudflare.com:443' },
    { CLOUDFLARE_API_BASE_URL: 'https://api.cloudflare.com./client/v4' },
  ])('a budget above the limit of Cloudflare is an error for its API: %j', (baseUrl) => {
    const variables = { ...account, ...signed, ...baseUrl }
    expect(namesOf({ ...variables, STREAM_API_BUDGET: '1201' })).toEqual(['STREAM_API_BUDGET'])
    expect(namesOf({ ...variables, STREAM_API_BUDGET: '9' })).toEqual(['STREAM_API_BUDGET'])
  })

  test('the length of a secret is counted in bytes', () => {
    expect(errorsOf({ AUTH_JWT_SECRET: 'ü'.repeat(16) })).toEqual([])
  })

  test('all errors are reported together, each starting with its variable', () => {
    const variables = {
      PORT: 'x',
      PUBLIC_URL: 'x',
      DATABASE_URL: 'x',
      ALLOWED_ORIGINS: 'x,y',
      MAX_DURATION_SECONDS: 'x',
      CREATOR_QUOTA_MINUTES: 'x',
      RATE_LIMIT_CREATES: 'x',
      STREAM_API_BUDGET: 'x',
      INTROSPECTION: 'x',
      LOG_LEVEL: 'x',
      CLOUDFLARE_ACCOUNT_ID: 'x',
      AUTH_DISABLED: 'x',
      AUTH_JWT_SECRET: 'x',
      AUTH_JWKS_URL: 'x',
      EMULATOR_PORT: 'x',
      EMULATOR_STORAGE_MINUTES: 'x',
      EMULATOR_ENCODE_MS: 'x',
    }
    const { CLOUDFLARE_ACCOUNT_ID: _configured, ...reported } = variables
    const names = new Set([...Object.keys(reported), 'CLOUDFLARE_API_TOKEN'])
    expect(new Set(namesOf(variables))).toEqual(names)
    expect(namesOf(variables)).toHaveLength(names.size + 1)
    for (const error of errorsOf(variables)) expect(error).toMatch(/^[A-Z_]+ .*[.)]$/)
  })
})

describe('the Stream account', () => {
  test.each<[variables: Environment, names: string[]]>([
    [{ CLOUDFLARE_ACCOUNT_ID: 'a' }, ['CLOUDFLARE_API_TOKEN']],
    [{ CLOUDFLARE_API_TOKEN: 't' }, ['CLOUDFLARE_ACCOUNT_ID']],
    [{ CLOUDFLARE_API_BASE_URL: 'https://a.com' }, ['CLOUDFLARE_API_BASE_URL']],
    [
      { CLOUDFLARE_API_TOKEN: 't', CLOUDFLARE_API_BASE_URL: 'https://a.com' },
      ['CLOUDFLARE_ACCOUNT_ID'],
    ],
    [{ ...account, ...signed, CLOUDFLARE_API_BASE_URL: 'a.com' }, ['CLOUDFLARE_API_BASE_URL']],
    [{ ...account, ...signed }, []],
  ])('%j', (variables, names) => {
    expect(namesOf(variables)).toEqual(names)
  })
})

describe('authentication', () => {
  const jwks = { AUTH_JWKS_URL: 'https://id.example.com/keys' }
  const disabled = { AUTH_DISABLED: 'true' }
  const enabled = { AUTH_DISABLED: 'false' }
  const outside = { HOST: '0.0.0.0' }

  test.each<[variables: Environment, outcome: 'disabled' | 'jwt' | string[]]>([
    // The emulator, on this machine or on its network.
    [{}, 'disabled'],
    [enabled, ['AUTH_JWT_SECRET']],
    [disabled, 'disabled'],
    [signed, 'jwt'],
    [jwks, 'jwt'],
    [{ ...signed, ...jwks }, 'jwt'],
    [{ ...signed, ...enabled }, 'jwt'],
    [{ HOST: 'localhost' }, 'disabled'],
    [{ HOST: '::1' }, 'disabled'],
    [{ HOST: '127.0.0.99' }, 'disabled'],
    [outside, ['AUTH_JWT_SECRET']],
    [{ HOST: '::' }, ['AUTH_JWT_SECRET']],
    [{ HOST: '192.168.1.2' }, ['AUTH_JWT_SECRET']],
    [{ HOST: '127.evil.example' }, ['AUTH_JWT_SECRET']],
    [{ HOST: '127.0.0.1.evil.example' }, ['AUTH_JWT_SECRET']],
    [{ HOST: 'localhost.evil.example' }, ['AUTH_JWT_SECRET']],
    [{ ...outside, ...enabled }, ['AUTH_JWT_SECRET']],
    [{ ...outside, ...disabled }, 'disabled'],
    [{ ...outside, ...signed }, 'jwt'],
    [{ ...outside, ...jwks }, 'jwt'],
    // An account, on any address.
    [account, ['AUTH_JWT_SECRET']],
    [{ ...account, ...enabled }, ['AUTH_JWT_SECRET']],
    [{ ...account, ...disabled }, 'disabled'],
    [{ ...account, ...signed }, 'jwt'],
    [{ ...account, ...jwks }, 'jwt'],
    [{ ...account, ...outside }, ['AUTH_JWT_SECRET']],
    [{ ...account, ...outside, ...disabled }, 'disabled'],
    [{ ...account, ...outside, ...jwks }, 'jwt'],
    // Contradictions, and rules for tokens without a secret or a key set.
    [{ ...signed, ...disabled }, ['AUTH_JWT_SECRET']],
    [{ ...jwks, ...disabled }, ['AUTH_JWKS_URL']],
    [{ AUTH_ISSUER: 'https://id.example.com' }, ['AUTH_ISSUER']],
    [{ AUTH_AUDIENCE: 'headgate' }, ['AUTH_AUDIENCE']],
    [{ ...account, AUTH_ISSUER: 'https://id.example.com' }, ['AUTH_JWT_SECRET', 'AUTH_ISSUER']],
  ])('%j', (variables, outcome) => {
    const read = readConfig(variables)
    expect(read.kind === 'config' ? read.config.auth.kind : namesOf(variables)).toEqual(outcome)
  })

  test('the secret is read as bytes, the key set as a URL', () => {
    const rules = { AUTH_ISSUER: 'https://id.example.com', AUTH_AUDIENCE: 'headgate' }
    expect(configOf({ ...signed, ...jwks, ...rules }).auth).toEqual({
      kind: 'jwt',
      secret: new TextEncoder().encode(SECRET),
      jwksURL: new URL('https://id.example.com/keys'),
      issuer: 'https://id.example.com',
      audience: 'headgate', // the claim `aud`
    })
  })
})

describe('secrets', () => {
  test.each<[name: string, value: string, also: Environment]>([
    ['AUTH_JWT_SECRET', 'hunter2', {}],
    ['AUTH_JWT_SECRET', `hunter2${SECRET}`, { AUTH_DISABLED: 'true' }],
    ['CLOUDFLARE_API_TOKEN', 'hunter2', {}],
    ['STREAM_WEBHOOK_SECRET', 'hunter2', { PORT: 'x' }],
    ['DATABASE_URL', 'mysql://root:hunter2@h/d', {}],
    ['AUTH_JWKS_URL', 'ftp://root:hunter2@h/keys', {}],
    ['CLOUDFLARE_API_BASE_URL', 'ftp://root:hunter2@h/', { ...account, ...signed }],
    ['PUBLIC_URL', 'https://root:hunter2@h', {}],
    ['ALLOWED_ORIGINS', 'https://root:hunter2@h', {}],
  ])('an invalid %s is not in the error', (name, value, also) => {
    const errors = errorsOf({ ...also, [name]: value })
    expect(errors).not.toEqual([])
    expect(errors.join('\n')).not.toContain('hunter2')
  })
})
