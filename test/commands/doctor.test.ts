/** `headgate doctor`: one line for each check, with the fix for each warning and error. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { runDoctor } from '../../src/commands/doctor/doctor.ts'
import { createSigningKeys } from '../../src/stream/rest/signing-keys.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { TEST_SECRET } from '../kit/gateway.ts'
import { writeTrustedDocuments } from '../kit/trusted-documents.ts'

/** Runs doctor with these variables only; returns its output and exit code. */
async function doctor(variables: Readonly<Record<string, string>>, sendsCallbacks = false) {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-doctor-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'headgate.db')
  const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  try {
    const code = await runDoctor({ DATABASE_URL: `file:${file}`, ...variables }, sendsCallbacks)
    const lines = stdout.mock.calls.map(([line]) => String(line).trimEnd())
    return { code, lines, output: lines.join('\n') }
  } finally {
    stdout.mockRestore()
  }
}

/** Starts an emulator; returns the variables of its account and a client. */
async function startAccount() {
  const emulator = await startTestEmulator()
  const variables = {
    CLOUDFLARE_ACCOUNT_ID: emulator.accountId,
    CLOUDFLARE_API_TOKEN: emulator.token,
    CLOUDFLARE_API_BASE_URL: emulator.apiBaseUrl,
    AUTH_JWT_SECRET: TEST_SECRET,
    PUBLIC_URL: 'https://uploads.example.com',
  }
  const stream = createRestStreamApi({
    accountId: emulator.accountId,
    apiToken: emulator.token,
    baseUrl: emulator.apiBaseUrl,
  })
  return { variables, stream }
}

const WEBHOOK_URL = 'https://uploads.example.com/webhooks/stream'

describe('headgate doctor', () => {
  it('reports no errors without variables', async () => {
    const { code, lines } = await doctor({})
    expect(code).toBe(0)
    expect(lines).toEqual([
      expect.stringMatching(/^ok {2}Configuration /),
      expect.stringMatching(/^ok {2}Database .* does not exist yet/),
      expect.stringMatching(/^ok {2}Stream .* embedded emulator/),
      expect.stringMatching(/^ok {2}Webhook /),
      expect.stringMatching(/^ok {2}Playback .* emulator signs/),
      expect.stringMatching(/^ok {2}Callbacks .* no events of uploads are sent/),
      expect.stringMatching(/^-- {2}Callers .* administrator/),
    ])
  })

  it('reports trusted documents, and each that the gateway could not execute', async () => {
    const TRUSTED_DOCUMENTS = await writeTrustedDocuments({ a1: '{ __typename }' })
    const { code, lines } = await doctor({ TRUSTED_DOCUMENTS })
    expect(code).toBe(0)
    expect(lines.at(-1)).toMatch(/^ok {2}Documents +only 1 document of TRUSTED_DOCUMENTS/)
    const misspelled = await writeTrustedDocuments({ a1: '{ uplods { totalCount } }' })
    const failed = await doctor({ TRUSTED_DOCUMENTS: misspelled })
    expect(failed.code).toBe(1)
    expect(failed.lines).toEqual([
      expect.stringMatching(/^!! {2}Configuration +TRUSTED_DOCUMENTS contains the document a1/),
    ])
  })

  it('reports each configuration error', async () => {
    const { code, lines } = await doctor({ PORT: 'x', INTROSPECTION: 'maybe' })
    expect(code).toBe(1)
    expect(lines).toEqual([
      '!!  Configuration  PORT must be a whole number from 0 to 65535.',
      '!!  Configuration  INTROSPECTION must be true or false.',
    ])
  })

  it('reports each configuration warning with exit code 0', async () => {
    const { code, lines } = await doctor({
      EMULATOR_PROT: '1',
      PUBLIC_URL: 'http://localhost:4000',
    })
    expect(code).toBe(0)
    expect(lines.slice(0, 2)).toEqual([
      '--  Configuration  EMULATOR_PROT has no effect: headgate has no such variable. Set EMULATOR_PORT instead.',
      expect.stringMatching(/^ok {2}Database /),
    ])
  })

  it('reports errors and warnings together', async () => {
    const { code, lines } = await doctor({ AUTH_AUD: 'x', AUTH_DISABLED: 'false' })
    expect([code, lines]).toEqual([
      1,
      [
        expect.stringMatching(
          /^!! {2}Configuration {2}AUTH_JWT_SECRET or AUTH_JWKS_URL must be set/,
        ),
        expect.stringMatching(/^-- {2}Configuration {2}AUTH_AUD has no effect/),
      ],
    ])
  })

  it('reports the webhook of an account until it is configured correctly', async () => {
    const { variables, stream } = await startAccount()
    expect((await doctor(variables)).output).toContain('no webhook is set')

    await stream.setWebhook('https://other.example.com/hook')
    const otherUrl = await doctor(variables)
    expect([otherUrl.code, otherUrl.output]).toEqual([
      1,
      expect.stringContaining(
        'Run `headgate webhook set https://uploads.example.com` with --force.',
      ),
    ])

    const { secret } = await stream.setWebhook(WEBHOOK_URL)
    expect((await doctor(variables)).output).toContain('is not in STREAM_WEBHOOK_SECRET')

    const correct = await doctor({
      ...variables,
      STREAM_WEBHOOK_SECRET: `${'0'.repeat(32)},${secret}`,
    })
    expect(correct.output).not.toMatch(/^(?:!!|--)/m)
    expect(correct.code).toBe(0)
    expect(correct.output).not.toContain(secret)
  })

  it.each([
    ['a wrong token', { CLOUDFLARE_API_TOKEN: 'wrong' }, 'Stream Write'],
    [
      'an unreachable API',
      { CLOUDFLARE_API_BASE_URL: 'http://127.0.0.1:1' },
      'CLOUDFLARE_API_BASE_URL',
    ],
    [
      'an unreachable key set',
      { AUTH_JWKS_URL: 'http://127.0.0.1:1/keys' },
      'AUTH_JWKS_URL does not return a key set',
    ],
  ])('names the fix for %s', async (_name, changes, message) => {
    const { variables } = await startAccount()
    const { code, output } = await doctor({ ...variables, ...changes })
    expect([code, output]).toEqual([1, expect.stringContaining(message)])
  })

  it('reports a signing key that is not a key of the account', async () => {
    const { variables } = await startAccount()
    expect((await doctor(variables)).output).toMatch(
      /^ok {2}Playback .* requested from Stream.*signing-key create/m,
    )
    const keys = createSigningKeys({
      accountId: variables.CLOUDFLARE_ACCOUNT_ID,
      apiToken: variables.CLOUDFLARE_API_TOKEN,
      baseUrl: variables.CLOUDFLARE_API_BASE_URL,
    })
    const { id, jwk } = await keys.create()
    const withKey = { ...variables, STREAM_SIGNING_KEY_ID: id, STREAM_SIGNING_KEY_JWK: jwk }
    expect((await doctor(withKey)).output).toMatch(/^ok {2}Playback .* is a key of the account/m)
    await keys.delete(id)
    const { code, output } = await doctor(withKey)
    expect([code, output]).toEqual([
      1,
      expect.stringMatching(/^!! {2}Playback .* is not a key of the account/m),
    ])
    expect(output).not.toContain(jwk)
  })

  it('escapes control characters in its output', async () => {
    const { output } = await doctor({ DATABASE_URL: 'file:/nowhere/\u202e.db' })
    expect(output).toContain('/nowhere/\\u202e.db does not exist yet')
  })

  it('checks the database without changing it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'headgate-doctor-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const intactFile = join(folder, 'intact.db')
    await createSqliteStore(intactFile).close()
    expect((await doctor({ DATABASE_URL: `file:${intactFile}` })).output).toContain(
      'intact and up to date',
    )

    const invalid = join(folder, 'invalid.db')
    await writeFile(
      invalid,
      'This is no database, and longer than a header of one would be.'.repeat(20),
    )
    const { code, output } = await doctor({ DATABASE_URL: `file:${invalid}` })
    expect([code, output]).toEqual([
      1,
      expect.stringContaining('is not a SQLite database. Restore a backup'),
    ])
  })
})
