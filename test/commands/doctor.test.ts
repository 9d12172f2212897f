/** `headgate doctor`: one line for each thing it looks at, with what to do where it is wrong. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { runDoctor } from '../../src/commands/doctor/doctor.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { TEST_SECRET } from '../kit/gateway.ts'

/** What it writes and its exit code, with these variables and no others. */
async function ask(variables: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-doctor-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'headgate.db')
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  try {
    const code = await runDoctor({ DATABASE_URL: `file:${file}`, ...variables })
    const lines = out.mock.calls.map(([line]) => String(line).trimEnd())
    return { code, lines, said: lines.join('\n') }
  } finally {
    out.mockRestore()
  }
}

/** An account: the emulator over HTTP, as Stream would be. */
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

const OWN = 'https://uploads.example.com/webhooks/stream'

describe('headgate doctor', () => {
  it('finds nothing wrong with nothing set', async () => {
    const { code, lines } = await ask({})
    expect(code).toBe(0)
    expect(lines).toEqual([
      expect.stringMatching(/^ok {2}Configuration /),
      expect.stringMatching(/^ok {2}Database .* does not exist yet/),
      expect.stringMatching(/^ok {2}Stream .* embedded emulator/),
      expect.stringMatching(/^ok {2}Webhook /),
      expect.stringMatching(/^-- {2}Callers .* administrator/),
    ])
  })

  it('tells each mistake of the configuration', async () => {
    const { code, lines } = await ask({ PORT: 'x', INTROSPECTION: 'maybe' })
    expect(code).toBe(1)
    expect(lines).toEqual([
      '!!  Configuration  PORT must be a whole number from 0 to 65535.',
      '!!  Configuration  INTROSPECTION must be true or false.',
    ])
  })

  it('tells each warning of the configuration, and does not fail because of it', async () => {
    const { code, lines } = await ask({ EMULATOR_PROT: '1', PUBLIC_URL: 'http://localhost:4000' })
    expect(code).toBe(0)
    expect(lines.slice(0, 2)).toEqual([
      '--  Configuration  EMULATOR_PROT has no effect: headgate has no such variable. Set EMULATOR_PORT instead.',
      expect.stringMatching(/^ok {2}Database /),
    ])
  })

  it('tells errors and warnings together', async () => {
    const { code, lines } = await ask({ AUTH_AUD: 'x', AUTH_DISABLED: 'false' })
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

  it('finds an account well once its webhook is', async () => {
    const { variables, stream } = await startAccount()
    expect((await ask(variables)).said).toContain('no webhook is set')

    await stream.setWebhook('https://other.example.com/hook')
    const foreign = await ask(variables)
    expect([foreign.code, foreign.said]).toEqual([
      1,
      expect.stringContaining(
        'Run `headgate webhook set https://uploads.example.com` with --force.',
      ),
    ])

    const { secret } = await stream.setWebhook(OWN)
    expect((await ask(variables)).said).toContain('is not in STREAM_WEBHOOK_SECRET')

    const well = await ask({ ...variables, STREAM_WEBHOOK_SECRET: `${'0'.repeat(32)},${secret}` })
    expect(well.said).not.toMatch(/^(?:!!|--)/m)
    expect(well.code).toBe(0)
    expect(well.said).not.toContain(secret)
  })

  it.each([
    ['a wrong token', { CLOUDFLARE_API_TOKEN: 'wrong' }, 'Stream Write'],
    [
      'an API that is not there',
      { CLOUDFLARE_API_BASE_URL: 'http://127.0.0.1:1' },
      'CLOUDFLARE_API_BASE_URL',
    ],
    [
      'a key set that is not there',
      { AUTH_JWKS_URL: 'http://127.0.0.1:1/keys' },
      'AUTH_JWKS_URL does not return a key set',
    ],
  ])('says what to do about %s', async (_name, wrong, words) => {
    const { variables } = await startAccount()
    const { code, said } = await ask({ ...variables, ...wrong })
    expect([code, said]).toEqual([1, expect.stringContaining(words)])
  })

  it('shows what a terminal would obey as an escape', async () => {
    const { said } = await ask({ DATABASE_URL: 'file:/nowhere/\u202e.db' })
    expect(said).toContain('/nowhere/\\u202e.db does not exist yet')
  })

  it('looks at the database without touching it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'headgate-doctor-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const sound = join(folder, 'sound.db')
    await createSqliteStore(sound).close()
    expect((await ask({ DATABASE_URL: `file:${sound}` })).said).toContain('intact and up to date')

    const none = join(folder, 'none.db')
    await writeFile(
      none,
      'This is no database, and longer than a header of one would be.'.repeat(20),
    )
    const { code, said } = await ask({ DATABASE_URL: `file:${none}` })
    expect([code, said]).toEqual([
      1,
      expect.stringContaining('is not a SQLite database. Restore a backup'),
    ])
  })
})
