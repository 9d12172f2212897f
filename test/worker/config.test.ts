/** What a Worker makes of its environment. */
import { describe, expect, test } from 'vitest'
import { readWorkerConfig } from '../../src/worker/config.ts'
import type { WorkerEnvironment } from '../../src/worker/environment.ts'

const SECRET = 'a secret of thirty-two bytes....'
const nobody = (): never => {
  throw new Error('Nobody is asked.')
}
const bindings = {
  DB: { prepare: nobody, batch: nobody },
  HUB: { idFromName: nobody, get: nobody },
  STREAM: { createDirectUpload: nobody, video: nobody, videos: { list: nobody } },
} satisfies WorkerEnvironment
const account = { CLOUDFLARE_ACCOUNT_ID: 'account', CLOUDFLARE_API_TOKEN: 'token' }

function mistakesOf(environment: WorkerEnvironment): readonly string[] {
  const outcome = readWorkerConfig(environment)
  return outcome.kind === 'mistakes' ? outcome.errors : []
}

/** The variables and bindings that the mistakes begin with. */
function namesOf(environment: WorkerEnvironment): string[] {
  return mistakesOf(environment).map((mistake) => mistake.split(' ')[0] ?? '')
}

test('bindings and a way to tell callers apart are enough', () => {
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

test('what stands under vars as a number or a truth counts as what it says', () => {
  const vars = { CREATOR_QUOTA_MINUTES: 600, RATE_LIMIT_CREATES: 10, INTROSPECTION: false }
  expect(readWorkerConfig({ ...bindings, AUTH_JWT_SECRET: SECRET, ...vars })).toMatchObject({
    config: { creatorQuotaMinutes: 600, createsPerMinute: 10, introspection: false },
  })
  expect(namesOf({ ...bindings, AUTH_JWT_SECRET: SECRET, RATE_LIMIT_CREATES: -1 })).toEqual([
    'RATE_LIMIT_CREATES',
  ])
})

test('a token does for the binding of Stream, and stands beside it', () => {
  const { STREAM, ...others } = bindings
  const variables = { ...account, AUTH_JWT_SECRET: SECRET }
  expect(readWorkerConfig({ ...others, ...variables })).toMatchObject({
    config: { account: { accountId: 'account' }, stream: null },
  })
  expect(readWorkerConfig({ ...others, STREAM, ...variables })).toMatchObject({
    config: { account: { accountId: 'account' }, stream: STREAM },
  })
})

describe('what is missing or wrong', () => {
  test('is told all at once', () => {
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
    ['nobody told apart', { AUTH_JWT_SECRET: '' }, 'AUTH_JWT_SECRET'],
    [
      'a budget that Cloudflare refuses',
      { ...account, STREAM_API_BUDGET: '1201' },
      'STREAM_API_BUDGET',
    ],
  ])('such as %s', (_name, variables, name) => {
    const environment = { ...bindings, AUTH_JWT_SECRET: SECRET, ...variables }
    expect(namesOf(environment)).toEqual([name])
  })

  test.each<[name: string, value: unknown]>([
    ['ALLOWED_ORIGINS', ['https://a.com']],
    ['STREAM_WEBHOOK_SECRET', { get: nobody }],
    ['LOG_LEVEL', null],
  ])('such as %s with a value that is not text', (name, value) => {
    const environment = { ...bindings, AUTH_JWT_SECRET: SECRET, [name]: value }
    expect(mistakesOf(environment)).toEqual([expect.stringMatching(`^${name} must be text`)])
  })

  test('repeats no secret', () => {
    const told = mistakesOf({ ...bindings, AUTH_JWT_SECRET: 'hunter2', PUBLIC_URL: 'hunter3' })
    expect(told).toHaveLength(2)
    expect(told.join(' ')).not.toContain('hunter')
  })
})

describe('what has no effect on Workers', () => {
  test('is a warning where the gateway on Node reads it', () => {
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

  test('is an error where it contradicts what else is set', () => {
    const contradiction = { AUTH_DISABLED: true, AUTH_JWT_SECRET: SECRET }
    expect(namesOf({ ...bindings, ...contradiction })).toEqual(['AUTH_JWT_SECRET'])
  })
})
