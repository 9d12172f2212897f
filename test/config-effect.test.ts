/** Variables that are set and have no effect: each is reported by its name, as an error or a warning. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../src/config/gateway-config.ts'
import {
  readDatabaseConfig,
  readEmulatorConfig,
  readStreamConfig,
} from '../src/config/node-config.ts'
import { knownVariables } from '../src/config/known-variables.ts'

type Environment = Readonly<Record<string, string>>

const SECRET = 'a secret of thirty-two bytes....'
const account = { CLOUDFLARE_ACCOUNT_ID: 'account', CLOUDFLARE_API_TOKEN: 'api-token' }
const signed = { AUTH_JWT_SECRET: SECRET }
const jwks = { AUTH_JWKS_URL: 'https://id.example.com/keys' }
const issuer = { AUTH_ISSUER: 'https://id.example.com' }
const audience = { AUTH_AUDIENCE: 'headgate' }
const disabled = { AUTH_DISABLED: 'true' }
const postgres = { DATABASE_URL: 'postgres://u:p@db/h' }

/** Returns the variable at the start of each report. */
function namesIn(reports: readonly string[]): string[] {
  return reports.map((report) => report.split(' ')[0] ?? '').toSorted()
}

function reportsOf(environment: Environment, read = readConfig) {
  const outcome = read(environment)
  return {
    errors: outcome.kind === 'errors' ? namesIn(outcome.errors) : [],
    warnings: namesIn(outcome.warnings),
  }
}

describe('serve and doctor report a variable without effect', () => {
  test.each<[variables: Environment, reports: { errors?: string[]; warnings?: string[] }]>([
    // A variable that contradicts another one is an error.
    [{ CLOUDFLARE_API_BASE_URL: 'https://a.com' }, { errors: ['CLOUDFLARE_API_BASE_URL'] }],
    [{ DATABASE_CONNECTIONS: '20' }, { errors: ['DATABASE_CONNECTIONS'] }],
    [
      { DATABASE_URL: 'file:x.db', DATABASE_CONNECTIONS: '20' },
      { errors: ['DATABASE_CONNECTIONS'] },
    ],
    [issuer, { errors: ['AUTH_ISSUER'] }],
    [audience, { errors: ['AUTH_AUDIENCE'] }],
    [{ ...issuer, ...audience }, { errors: ['AUTH_AUDIENCE', 'AUTH_ISSUER'] }],
    [{ ...disabled, ...signed }, { errors: ['AUTH_JWT_SECRET'] }],
    [{ ...disabled, ...jwks }, { errors: ['AUTH_JWKS_URL'] }],
    [{ ...disabled, ...issuer }, { errors: ['AUTH_ISSUER'] }],
    [
      { ...disabled, ...signed, ...jwks, ...issuer, ...audience },
      { errors: ['AUTH_AUDIENCE', 'AUTH_ISSUER', 'AUTH_JWKS_URL', 'AUTH_JWT_SECRET'] },
    ],
    // A variable of another command is a warning.
    [{ ...account, ...signed, EMULATOR_PORT: '1' }, { warnings: ['EMULATOR_PORT'] }],
    [{ ...account, ...signed, EMULATOR_DIR: '/tmp/e' }, { warnings: ['EMULATOR_DIR'] }],
    [
      { ...account, ...signed, EMULATOR_STORAGE_MINUTES: '1', EMULATOR_ENCODE_MS: '1' },
      { warnings: ['EMULATOR_ENCODE_MS', 'EMULATOR_STORAGE_MINUTES'] },
    ],
    // A variable with an effect is not reported.
    [{ ...postgres, DATABASE_CONNECTIONS: '20' }, {}],
    [{ ...signed, ...issuer, ...audience }, {}],
    [{ ...jwks, ...issuer, ...audience, AUTH_DISABLED: 'false' }, {}],
    [{ ...account, ...signed, CLOUDFLARE_API_BASE_URL: 'https://a.com' }, {}],
    [{ STREAM_WEBHOOK_SECRET: 'f'.repeat(32), STREAM_API_BUDGET: '10' }, {}],
    [{ METRICS_TOKEN: 'pass-word!16-chr', TRUSTED_PROXIES: '10.0.0.0/8' }, {}],
    [{ EMULATOR_PORT: '1', EMULATOR_DIR: '/tmp/e', EMULATOR_ENCODE_MS: '1' }, {}],
    // An empty variable counts as unset.
    [{ ...disabled, AUTH_JWT_SECRET: '', AUTH_ISSUER: ' ', DATABASE_CONNECTIONS: '' }, {}],
  ])('%j', (variables, { errors = [], warnings = [] }) => {
    expect(reportsOf(variables)).toEqual({ errors, warnings })
  })

  test('a report names the fix and contains no values', () => {
    const outcome = readConfig({
      ...disabled,
      AUTH_JWT_SECRET: `hunter2${SECRET}`,
      EMULATOR_DIR: 'hunter2',
      AUTH_JWT_SECRETS: 'hunter2',
    })
    const reports = [...(outcome.kind === 'errors' ? outcome.errors : []), ...outcome.warnings]
    expect(reports).toEqual([
      'AUTH_JWT_SECRET has no effect with AUTH_DISABLED=true. Unset one of the two.',
      'AUTH_JWT_SECRETS has no effect: headgate has no such variable.',
    ])
  })
})

describe('an unknown variable', () => {
  test.each<[name: string, suggestion: string]>([
    ['AUTH_JWT_SECRETS', 'AUTH_JWT_SECRET'],
    ['auth_jwt_secret', 'AUTH_JWT_SECRET'],
    ['AUTH-JWT-SECRET', 'AUTH_JWT_SECRET'],
    ['AUTH_JWKS_URI', 'AUTH_JWKS_URL'],
    ['AUTH_ISSUERS', 'AUTH_ISSUER'],
    ['CLOUDFARE_API_TOKEN', 'CLOUDFLARE_API_TOKEN'],
    ['CLOUDFLARE_ACCOUNTID', 'CLOUDFLARE_ACCOUNT_ID'],
    ['STREAM_WEBHOOK_SECRETS', 'STREAM_WEBHOOK_SECRET'],
    ['INTROSPECTON', 'INTROSPECTION'],
    ['ALLOWED_ORIGIN', 'ALLOWED_ORIGINS'],
    ['TRUST_PROXIES', 'TRUSTED_PROXIES'],
    ['METRIC_TOKEN', 'METRICS_TOKEN'],
    ['EMULATOR_PROT', 'EMULATOR_PORT'],
    ['HEADGATE_METRICS_TOKEN', 'METRICS_TOKEN'],
    ['HEADGATE_PORT', 'PORT'],
    ['Port', 'PORT'],
  ])('%s is reported with the suggestion %s', (name, suggestion) => {
    expect(readConfig({ [name]: 'x' }).warnings).toEqual([
      `${name} has no effect: headgate has no such variable. Set ${suggestion} instead.`,
    ])
  })

  test.each(['AUTH_AUD', 'AUTH_X', 'EMULATOR_X'])(
    '%s is reported, because no other program uses its prefix',
    (name) => {
      expect(reportsOf({ [name]: 'x' })).toEqual({ errors: [], warnings: [name] })
    },
  )

  test.each([
    'HOME',
    'HOSTNAME',
    'POST',
    'PATH',
    'LOG_FORMAT',
    'PUBLIC_DIR',
    'DATABASE_HOST',
    'CLOUDFLARE_EMAIL',
    'CLOUDFLARE_API_KEY',
    'CLOUDFLARE_ENV',
    'STREAM_KEY',
    'HEADGATE_SERVICE_HOST',
    'HEADGATE_FAST_PATH_OPERATIONS',
    'npm_config_port',
  ])('%s is ignored, because another program may read it', (name) => {
    expect(reportsOf({ [name]: 'x' })).toEqual({ errors: [], warnings: [] })
  })

  test('a variable that Kubernetes sets for a service named headgate is ignored', () => {
    expect(reportsOf({ HEADGATE_PORT: 'tcp://10.0.0.1:4000' })).toEqual({
      errors: [],
      warnings: [],
    })
  })

  test('a name similar to a variable that is also set is ignored', () => {
    const both = { INTROSPECTION: 'true', INTROSPECTON: 'x', DATABASE_URL: 'file:x' }
    expect(reportsOf({ ...both, DATABASE_URL_2: 'x' })).toEqual({ errors: [], warnings: [] })
  })

  test('a name with a line break is ignored', () => {
    expect(reportsOf({ 'AUTH_X\nPORT': 'x' })).toEqual({ errors: [], warnings: [] })
  })
})

describe('a command reports on its own variables only', () => {
  const everything = {
    AUTH_ISSUER: 'x',
    AUTH_X: 'x',
    CLOUDFLARE_API_BASE_URL: 'https://a.com',
    DATABASE_CONNECTIONS: '20',
    EMULATOR_X: 'x',
    PORT: 'x',
  }
  test.each([
    ['migrate and backup', readDatabaseConfig, { errors: ['DATABASE_CONNECTIONS'], warnings: [] }],
    ['emulator', readEmulatorConfig, { errors: [], warnings: ['EMULATOR_X'] }],
    ['webhook', readStreamConfig, { errors: ['CLOUDFLARE_API_BASE_URL'], warnings: [] }],
  ])('%s', (_command, read, reports) => {
    const outcome = read(everything)
    const errors = outcome.kind === 'errors' ? namesIn(outcome.errors) : []
    expect({ errors, warnings: namesIn(outcome.warnings) }).toEqual(reports)
  })
})

test('the configuration page lists exactly the known variables', () => {
  const text = readFileSync(new URL('../src/config/README.md', import.meta.url), 'utf8')
  const [, table = ''] = /^## Variables\n([^]*?)^## /m.exec(text) ?? []
  const cells = [...table.matchAll(/^\| (`[^|]*) \|/gm)].map(([, cell = '']) => cell)
  const listed = cells.flatMap((cell) => [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name))
  expect(listed).toHaveLength(new Set(listed).size)
  expect(new Set(listed)).toEqual(new Set(Object.keys(knownVariables)))
})
