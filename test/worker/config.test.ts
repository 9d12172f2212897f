/** Configuration of a Worker from its variables and bindings. */
import { describe, expect, test } from 'vitest'
import { readWorkerConfig } from '../../src/worker/config.ts'
import type { WorkerEnvironment } from '../../src/worker/environment.ts'

const SECRET = 'a secret of thirty-two bytes....'
const unexpectedCall = (): never => {
  throw new Error('Reading the configuration must not call a binding.')
}
const bindings = {
  DB: { prepare: unexpectedCall, batch: unexpectedCall },
  HUB: { idFromName: unexpectedCall, get: unexpectedCall },
  ASSETS: { fetch: unexpectedCall },
  STREAM: {
    createDirectUpload: unexpectedCall,
    video: unexpectedCall,
    videos: { list: unexpectedCall },
  },
} satisfies WorkerEnvironment
const account = { CLOUDFLARE_ACCOUNT_ID: 'account', CLOUDFLARE_API_TOKEN: 'token' }

function errorsOf(environment: WorkerEnvironment): readonly string[] {
  const outcome = readWorkerConfig(environment)
  return outcome.kind === 'errors' ? outcome.errors : []
}

/** Returns the variable or binding at the beginning of each error. */
function namesOf(environment: WorkerEnvironment): string[] {
  return errorsOf(environment).map((error) => error.split(' ')[0] ?? '')
}

test('bindings and one authentication setting are sufficient', () => {
  expect(readWorkerConfig({ ...bindings, AUTH_JWT_SECRET: SECRET })).toMatchObject({
    kind: 'config',
    config: {
      auth: { kind: 'jwt' },
      account: null,
      stream: bindings.STREAM,
      database: bindings.DB,
      streamApiBudget: 1000,
      createsPerMinute: 60,
      logLevel: 'info',
    },
  })
})

test('numbers and booleans in vars are converted', () => {
  const vars = {
    CREATOR_QUOTA_MINUTES: 600,
    RATE_LIMIT_CREATES: 10,
    INTROSPECTION: false,
    FEDERATION: true,
  }
  expect(readWorkerConfig({ ...bindings, AUTH_JWT_SECRET: SECRET, ...vars })).toMatchObject({
    config: {
      creatorQuotaMinutes: 600,
      createsPerMinute: 10,
      introspection: false,
      federation: true,
    },
  })
  expect(namesOf({ ...bindings, AUTH_JWT_SECRET: SECRET, RATE_LIMIT_CREATES: -1 })).toEqual([
    'RATE_LIMIT_CREATES',
  ])
})

test('an API token replaces the Stream binding or is used with it', () => {
  const { STREAM, ...others } = bindings
  const variables = { ...account, AUTH_JWT_SECRET: SECRET }
  expect(readWorkerConfig({ ...others, ...variables })).toMatchObject({
    config: { account: { accountId: 'account' }, stream: null },
  })
  expect(readWorkerConfig({ ...others, STREAM, ...variables })).toMatchObject({
    config: { account: { accountId: 'account' }, stream: STREAM },
  })
})

describe('a missing or invalid setting', () => {
  test('is reported together with all others', () => {
    expect(namesOf({ MAX_DURATION_SECONDS: 'long', LOG_LEVEL: 'loud' })).toEqual([
      'DB',
      'HUB',
      'STREAM',
      'MAX_DURATION_SECONDS',
      'LOG_LEVEL',
      'AUTH_JWT_SECRET',
    ])
  })

  test.each<[string, WorkerEnvironment, string]>([
    ['half an account', { CLOUDFLARE_API_TOKEN: 'token' }, 'CLOUDFLARE_ACCOUNT_ID'],
    ['no authentication setting', { AUTH_JWT_SECRET: '' }, 'AUTH_JWT_SECRET'],
    [
      'a budget above the limit of Cloudflare',
      { ...account, STREAM_API_BUDGET: '1201' },
      'STREAM_API_BUDGET',
    ],
  ])('is reported for %s', (_name, variables, name) => {
    const environment = { ...bindings, AUTH_JWT_SECRET: SECRET, ...variables }
    expect(namesOf(environment)).toEqual([name])
  })

  test('is reported for trusted documents without an assets directory, or with a router', () => {
    const { ASSETS: _none, ...others } = bindings
    const environment = { AUTH_JWT_SECRET: SECRET, TRUSTED_DOCUMENTS: 'documents.json' }
    expect(namesOf({ ...others, ...environment })).toEqual(['ASSETS'])
    expect(namesOf({ ...bindings, ...environment, FEDERATION: true })).toEqual([
      'TRUSTED_DOCUMENTS',
    ])
  })

  test.each<[name: string, value: unknown]>([
    ['ALLOWED_ORIGINS', ['https://a.com']],
    ['STREAM_WEBHOOK_SECRET', { get: unexpectedCall }],
    ['LOG_LEVEL', null],
  ])('is reported for %s with a value that is not text', (name, value) => {
    const environment = { ...bindings, AUTH_JWT_SECRET: SECRET, [name]: value }
    expect(errorsOf(environment)).toEqual([expect.stringMatching(`^${name} must be text`)])
  })

  test('is reported without its secret value', () => {
    const errors = errorsOf({ ...bindings, AUTH_JWT_SECRET: 'hunter2', PUBLIC_URL: 'hunter3' })
    expect(errors).toHaveLength(2)
    expect(errors.join(' ')).not.toContain('hunter')
  })
})

describe('a setting without effect on Workers', () => {
  test('is a warning if the gateway on Node reads it', () => {
    const node = {
      HOST: '0.0.0.0',
      PORT: 4000,
      DATABASE_URL: 'file:x.db',
      DATABASE_CONNECTIONS: '20',
      TRUSTED_PROXIES: '10.0.0.0/8',
      METRICS_TOKEN: 'a-token-for-prometheus',
      EMULATOR_PORT: '4001',
    }
    const { kind, warnings } = readWorkerConfig({ ...bindings, AUTH_JWT_SECRET: SECRET, ...node })
    expect(kind).toBe('config')
    const endings = warnings.map((warning) => warning.replace(/ on Workers: .*$/, ''))
    expect(endings).toEqual(Object.keys(node).map((name) => `${name} has no effect`))
  })

  test('is an error if it contradicts another setting', () => {
    const contradiction = { AUTH_DISABLED: true, AUTH_JWT_SECRET: SECRET }
    expect(namesOf({ ...bindings, ...contradiction })).toEqual(['AUTH_JWT_SECRET'])
  })
})
