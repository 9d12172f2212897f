/** Values that are rejected instead of trimmed: secrets, control characters, unusual numbers; and warnings about plain HTTP. */
import { describe, expect, test } from 'vitest'
import { createSigningKey } from './kit/signing-key.ts'
import { readConfig } from '../src/config/gateway-config.ts'

type Environment = Readonly<Record<string, string>>

const SECRET = 'a secret of thirty-two bytes....'
const TOKEN = 'api-token-of-the-account'
const WEBHOOK = '0123456789abcdef0123456789abcdef'
const { variables: signingKey } = await createSigningKey()
const account = { CLOUDFLARE_ACCOUNT_ID: 'account', CLOUDFLARE_API_TOKEN: TOKEN }
const signed = { AUTH_JWT_SECRET: SECRET }

/** Returns the variable at the start of each error. */
function namesOf(environment: Environment): string[] {
  return errorsOf(environment).map((error) => error.split(' ')[0] ?? '')
}

function errorsOf(environment: Environment): readonly string[] {
  const outcome = readConfig(environment)
  return outcome.kind === 'errors' ? outcome.errors : []
}

/** Variables that contain a secret, with a valid value and the other variables that they require. */
const secrets: readonly (readonly [name: string, value: string, others: Environment])[] = [
  ['AUTH_JWT_SECRET', SECRET, {}],
  ['STREAM_WEBHOOK_SECRET', WEBHOOK, {}],
  [
    'STREAM_SIGNING_KEY_JWK',
    signingKey.STREAM_SIGNING_KEY_JWK,
    { STREAM_SIGNING_KEY_ID: signingKey.STREAM_SIGNING_KEY_ID },
  ],
  [
    'CALLBACK_SECRET',
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    { CALLBACK_URLS: 'https://app.example.com' },
  ],
  ['METRICS_TOKEN', 'metrics-token-of-prometheus', {}],
  ['CLOUDFLARE_API_TOKEN', TOKEN, { CLOUDFLARE_ACCOUNT_ID: 'account', ...signed }],
  ['DATABASE_URL', 'postgres://user:pass-word@db/headgate', {}],
]

describe.each(secrets)('%s', (name, value, others) => {
  test('is accepted unchanged', () => {
    expect(errorsOf({ ...others, [name]: value })).toEqual([])
  })

  test.each([
    ['a space before it', ` ${value}`],
    ['a space after it', `${value} `],
    ['a line break after it', `${value}\n`],
    ['a carriage return after it', `${value}\r\n`],
    ['a tab before it', `\t${value}`],
    ['a no-break space after it', `${value}\u00a0`],
    ['a byte order mark before it', `\ufeff${value}`],
  ])('with %s is rejected, not trimmed', (_kind, invalid) => {
    const errors = errorsOf({ ...others, [name]: invalid })
    expect(errors).toEqual([expect.stringMatching(new RegExp(`^${name} .*begin or end with`))])
    expect(errors.join()).not.toContain(value)
  })

  test('of blanks only is rejected', () => {
    expect(namesOf({ ...others, [name]: '   ' })).toContain(name)
  })

  test.each(['\n', '\u0000', '\u001b', '\u0085'])(
    'with the control character %j is rejected',
    (character) => {
      const invalid = `${value.slice(0, 8)}${character}${value.slice(8)}`
      expect(namesOf({ ...others, [name]: invalid })).toEqual([name])
    },
  )
})

describe('STREAM_WEBHOOK_SECRET as a list', () => {
  test.each<[value: string, error: RegExp]>([
    ['short', /at least 16 characters: entry 1 is shorter/],
    [`${WEBHOOK},short`, /at least 16 characters: entry 2 is shorter/],
    [`${WEBHOOK}, ${WEBHOOK}`, /entry 2 begins or ends with a space/],
    [`${WEBHOOK} ,${WEBHOOK}`, /entry 1 begins or ends with a space/],
    [',', /at least one secret/],
  ])('%j is rejected', (value, error) => {
    const errors = errorsOf({ STREAM_WEBHOOK_SECRET: value })
    expect(errors).toEqual([expect.stringMatching(error)])
    expect(errors.join()).not.toContain(WEBHOOK)
  })

  test('accepts several secrets and ignores empty entries', () => {
    const other = 'f'.repeat(16)
    const outcome = readConfig({ STREAM_WEBHOOK_SECRET: `${WEBHOOK},,${other},` })
    expect(outcome).toMatchObject({ config: { webhookSecrets: [WEBHOOK, other] } })
  })
})

describe('an invalid value is rejected', () => {
  test.each<[name: string, values: string[], others: Environment]>([
    ['HOST', ['127.0.0.1\n0.0.0.0', '::1\u0000'], {}],
    ['PORT', ['1e3', '0x10', '+5', '-0', '5.', '1_000', '４０００', '40\n00', 'Infinity'], {}],
    ['RATE_LIMIT_CREATES', ['1e3', '0x10', '+5', '5 5'], {}],
    ['EMULATOR_ENCODE_MS', ['1e3', '0x10', '+5'], {}],
    ['AUTH_ISSUER', ['https://id.example.com\nx', 'a\u0085b'], signed],
    ['AUTH_AUDIENCE', ['a\tb'], signed],
    ['AUTH_JWT_SECRET', ['-----BEGIN PUBLIC KEY-----MIIBIjANBgkqhkiG9w0BAQEFAAOC'], {}],
    ['EMULATOR_DIR', ['/tmp/a\nb'], {}],
    ['ALLOWED_ORIGINS', [',', ' , '], {}],
    ['TRUSTED_PROXIES', [','], {}],
    ['CLOUDFLARE_ACCOUNT_ID', ['a/b', '..', 'x'.repeat(33), 'ä'], { ...account, ...signed }],
    ['CLOUDFLARE_API_TOKEN', ['two words', 'tökén', 'a\u200bb'], { ...account, ...signed }],
    [
      'CLOUDFLARE_API_BASE_URL',
      ['https://a.com/v4?x=1', 'https://a.com/v4#x'],
      { ...account, ...signed },
    ],
  ])('%s', (name, values, others) => {
    for (const value of values) {
      expect([value, namesOf({ ...others, [name]: value })]).toEqual([value, [name]])
    }
  })

  test.each<[variables: Environment, config: object]>([
    [{ PORT: ' 65535 ' }, { port: 65_535 }],
    [{ HOST: ' localhost\n' }, { host: 'localhost' }],
    [
      { AUTH_ISSUER: ' https://id.example.com ', ...signed },
      { auth: { issuer: 'https://id.example.com' } },
    ],
    [
      { ALLOWED_ORIGINS: ' https://a.com , https://b.com,' },
      { allowedOrigins: ['https://a.com', 'https://b.com'] },
    ],
  ])('blanks around other values are trimmed: %j', (variables, config) => {
    expect(readConfig(variables)).toMatchObject({ kind: 'config', config })
  })
})

describe('AUTH_DISABLED=false', () => {
  test.each<[variables: Environment]>([[{}], [account], [{ HOST: '0.0.0.0' }], [{ HOST: '::1' }]])(
    'requires a secret or a key set with %j',
    (others) => {
      expect(errorsOf({ ...others, AUTH_DISABLED: 'false' })).toEqual([
        expect.stringMatching(/^AUTH_JWT_SECRET or AUTH_JWKS_URL must be set/),
      ])
    },
  )
})

const jwks = (url: string) => ({ AUTH_JWKS_URL: url, AUTH_ISSUER: 'x' })
const api = (url: string) => ({ ...account, ...signed, CLOUDFLARE_API_BASE_URL: url })

describe('plain HTTP to another machine is a warning', () => {
  test.each<[variables: Environment, names: string[]]>([
    [jwks('http://id.example.com/keys'), ['AUTH_JWKS_URL']],
    [jwks('HTTP://10.0.0.7/keys'), ['AUTH_JWKS_URL']],
    [jwks('http://keycloak:8080/keys'), ['AUTH_JWKS_URL']],
    [jwks('http://127.0.0.1.example.com/keys'), ['AUTH_JWKS_URL']],
    [jwks('https://id.example.com/keys'), []],
    [jwks('http://127.0.0.1:8080/keys'), []],
    [jwks('http://127.1:8080/keys'), []],
    [jwks('http://[::1]:8080/keys'), []],
    [jwks('http://localhost:8080/keys'), []],
    [jwks('http://id.localhost/keys'), []],
    [api('http://stream.example.com/client/v4'), ['CLOUDFLARE_API_BASE_URL']],
    [api('http://127.0.0.1:4001/client/v4'), []],
    [{ PUBLIC_URL: 'http://video.example.com', ...signed }, ['PUBLIC_URL']],
    [{ PUBLIC_URL: 'http://localhost:4000', ...signed }, []],
    [{ PUBLIC_URL: 'http://video.example.com', AUTH_DISABLED: 'true' }, []],
  ])('%j', (variables, names) => {
    const { kind, warnings } = readConfig(variables)
    expect([kind, warnings.map((warning) => warning.split(' ')[0])]).toEqual(['config', names])
  })
})

describe('two issuers', () => {
  const both = { ...signed, AUTH_JWKS_URL: 'https://id.example.com/keys' }

  test('a secret and a key set without AUTH_ISSUER are a warning, because a `sub` of both is the same creator', () => {
    expect(readConfig(both).warnings).toEqual([
      expect.stringMatching(/^AUTH_JWT_SECRET .*`sub`.*same creator.*AUTH_ISSUER/),
    ])
  })

  test('a secret and a key set with AUTH_ISSUER are no warning', () => {
    expect(readConfig({ ...both, AUTH_ISSUER: 'https://id.example.com' }).warnings).toEqual([])
  })
})
