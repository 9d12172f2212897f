/** Configuration errors name the variable and do not repeat its value, which may be a secret. */
import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config/gateway-config.ts'
import {
  readDatabaseConfig,
  readEmulatorConfig,
  readStreamConfig,
} from '../../src/config/node-config.ts'
import { createAuthenticator } from '../../src/http/auth/authenticator.ts'
import type { Logger } from '../../src/shared/logger.ts'
import { listenInTest } from '../kit/listen.ts'
import { issueTokens, gatewaySecrets, password, secretVariables } from './test-secrets.ts'
import { createTranscript } from './transcript.ts'

/** A secret, and a URL that contains one. */
const INVALID_VALUES = [password, `postgres://headgate:${password}@db.example.com/headgate`]

/** Variables whose value can be invalid regardless of other variables. */
const VARIABLES = [
  'PORT',
  'PUBLIC_URL',
  'DATABASE_URL',
  'CLOUDFLARE_API_BASE_URL',
  'AUTH_JWKS_URL',
  'AUTH_DISABLED',
  'ALLOWED_ORIGINS',
  'TRUSTED_PROXIES',
  'MAX_DURATION_SECONDS',
  'CREATOR_QUOTA_MINUTES',
  'RATE_LIMIT_CREATES',
  'STREAM_SIGNING_KEY_ID',
  'STREAM_SIGNING_KEY_JWK',
  'WATERMARK_UID',
  'STREAM_API_BUDGET',
  'INTROSPECTION',
  'LOG_LEVEL',
  'EMULATOR_PORT',
  'EMULATOR_PUBLIC_URL',
  'EMULATOR_STORAGE_MINUTES',
  'EMULATOR_ENCODE_MS',
] as const

describe('a secret in a wrong variable', () => {
  it.each(VARIABLES)('is not repeated in the configuration errors: %s', (name) => {
    const transcript = createTranscript(gatewaySecrets)
    let errorCount = 0
    for (const value of INVALID_VALUES) {
      for (const read of [readConfig, readEmulatorConfig, readStreamConfig, readDatabaseConfig]) {
        const outcome = read({ ...secretVariables, [name]: value })
        if (outcome.kind === 'config') continue
        errorCount += outcome.errors.length
        transcript.record('errors', outcome.errors)
      }
    }
    expect(errorCount).toBeGreaterThan(0)
    expect(transcript.leaks()).toEqual([])
  })

  it('is not repeated when variables are incomplete, too short or conflict', () => {
    const transcript = createTranscript(gatewaySecrets)
    for (const variables of [
      { CLOUDFLARE_API_TOKEN: password },
      { CLOUDFLARE_ACCOUNT_ID: password },
      { AUTH_JWT_SECRET: password.slice(0, 30) },
      { METRICS_TOKEN: `${password} ${password}` },
      { EMULATOR_TOKEN: `${password} ${password}` },
      { AUTH_ISSUER: password, AUTH_AUDIENCE: password },
      { AUTH_JWT_SECRET: password, AUTH_DISABLED: 'true' },
    ]) {
      const outcome = readConfig(variables)
      expect(outcome.kind).toBe('errors')
      transcript.record('errors', outcome)
    }
    expect(transcript.leaks()).toEqual([])
  })
})

/** Starts an identity provider that responds with status 500 and a secret; returns host and port. */
async function startProvider(): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(500, { 'x-trace': password }).end(`<p>${password}</p>`)
  })
  return `127.0.0.1:${(await listenInTest(server)).port}`
}

describe('a JWKS that cannot be fetched', () => {
  it.each([
    ['with a password', (host: string) => `http://headgate:${password}@${host}/keys`],
    ['with a key in its query', (host: string) => `http://${host}/keys?key=${password}`],
    ['on a closed port', () => `http://127.0.0.1:9/keys?key=${password}`],
  ])('is logged without its URL: a URL %s', async (_name, urlOn) => {
    const { ada } = await issueTokens()
    const transcript = createTranscript([...gatewaySecrets, ada.secret])
    const record = (fields: object, message: string) => transcript.record(message, fields)
    const log: Logger = { debug: record, info: record, warn: record, error: record }
    const jwksURL = new URL(urlOn(await startProvider()))
    const rules = { kind: 'jwt', secret: null, jwksURL, issuer: null, audience: null } as const
    const { authenticate } = createAuthenticator(rules, () => new Date(), log)
    const unknownKeyToken = ada.text.replace(
      /^[^.]+/,
      btoa('{"alg":"RS256","kid":"x"}').replaceAll('=', ''),
    )
    transcript.record('authentication result', await authenticate(`Bearer ${unknownKeyToken}`))
    expect(transcript.places()).toContain('fetching AUTH_JWKS_URL failed')
    expect(transcript.leaks()).toEqual([])
  })
})
