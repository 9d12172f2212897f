/** Whatever is pasted into the wrong variable: mistakes name the variable, and repeat no secret. */
import { createServer } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  readConfig,
  readDatabaseConfig,
  readEmulatorConfig,
  readStreamConfig,
} from '../../src/config/node-config.ts'
import { createAuthenticator } from '../../src/http/auth/authenticator.ts'
import type { Logger } from '../../src/shared/logger.ts'
import { issueTokens, keptSecrets, password, secretVariables } from './test-secrets.ts'
import { createTranscript } from './transcript.ts'

/** A secret, and an address with one, as people paste them. */
const PASTED = [password, `postgres://headgate:${password}@db.example.com/headgate`]

/** Variables whose value can be wrong by itself. */
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
  'STREAM_API_BUDGET',
  'INTROSPECTION',
  'LOG_LEVEL',
  'EMULATOR_PORT',
  'EMULATOR_PUBLIC_URL',
  'EMULATOR_STORAGE_MINUTES',
  'EMULATOR_ENCODE_MS',
] as const

describe('a secret in the wrong variable', () => {
  it.each(VARIABLES)('is not repeated: %s', (name) => {
    const transcript = createTranscript(keptSecrets)
    let mistakes = 0
    for (const value of PASTED) {
      for (const read of [readConfig, readEmulatorConfig, readStreamConfig, readDatabaseConfig]) {
        const outcome = read({ ...secretVariables, [name]: value })
        if (outcome.kind === 'config') continue
        mistakes += outcome.errors.length
        transcript.note('mistakes', outcome.errors)
      }
    }
    expect(mistakes).toBeGreaterThan(0)
    expect(transcript.leaks()).toEqual([])
  })

  it('is not repeated where only half is set, or too little', () => {
    const transcript = createTranscript(keptSecrets)
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
      expect(outcome.kind).toBe('mistakes')
      transcript.note('mistakes', outcome)
    }
    expect(transcript.leaks()).toEqual([])
  })
})

/** An identity provider that answers with a page, and hears what it is asked. */
async function startProvider(): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(500, { 'x-trace': password }).end(`<p>${password}</p>`)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(async () => {
    await new Promise((resolve) => {
      server.close(resolve)
    })
  })
  const address = server.address()
  return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
}

describe('a key set that cannot be had', () => {
  it.each([
    ['with a password', (host: string) => `http://headgate:${password}@${host}/keys`],
    ['with a key in its query', (host: string) => `http://${host}/keys?key=${password}`],
    ['where nobody listens', () => `http://127.0.0.1:9/keys?key=${password}`],
  ])('is logged without its address: one %s', async (_name, addressAt) => {
    const { ada } = await issueTokens()
    const transcript = createTranscript([...keptSecrets, ada.secret])
    const note = (fields: object, message: string) => transcript.note(message, fields)
    const log: Logger = { debug: note, info: note, warn: note, error: note }
    const jwksURL = new URL(addressAt(await startProvider()))
    const rules = { kind: 'jwt', secret: null, jwksURL, issuer: null, audience: null } as const
    const { authenticate } = createAuthenticator(rules, () => new Date(), log)
    const foreign = ada.text.replace(
      /^[^.]+/,
      btoa('{"alg":"RS256","kid":"x"}').replaceAll('=', ''),
    )
    transcript.note('answer', await authenticate(`Bearer ${foreign}`))
    expect(transcript.places()).toContain('fetching AUTH_JWKS_URL failed')
    expect(transcript.leaks()).toEqual([])
  })
})
