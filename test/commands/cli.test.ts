/** The command as a process: help, invalid arguments, exit codes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Build, addressOf, build, start } from '../kit/command.ts'
import { startTestEmulator } from '../kit/emulator.ts'

let built: Build
beforeAll(async () => {
  built = await build()
})
afterAll(() => built.remove())

/** Runs the command; returns the exit code and the output of both streams. */
const headgate = (...args: readonly string[]): Promise<Outcome> => headgateWith({}, ...args)

interface Outcome {
  readonly code: number | null
  readonly output: string
}

async function headgateWith(
  variables: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<Outcome> {
  const run = start(built, args, variables)
  const code = await run.ended
  return { code, output: run.stdout() + run.stderr() }
}

describe('headgate', () => {
  it('lists its commands and prints help for each', async () => {
    const { code, output } = await headgate('--help')
    expect(code).toBe(0)
    for (const command of [
      'serve',
      'emulator',
      'demo',
      'migrate',
      'backup',
      'doctor',
      'webhook',
      'signing-key',
      'token',
      'callbacks',
    ]) {
      expect(output).toContain(`\n  ${command} `)
      const help = await headgate(command, '--help')
      expect([command, help.code, help.output]).toEqual([
        command,
        0,
        expect.stringContaining('Usage: headgate'),
      ])
    }
  })

  it.each([
    [['sevre'], 'Did you mean serve?'],
    [['webhook', 'sett'], 'Did you mean set?'],
    [['signing-key', 'delete'], "missing required argument 'id'"],
    [['callbacks', 'rplay'], 'Did you mean replay?'],
    [['callbacks', 'replay'], 'exactly one of an id, --dead and --since'],
    [['callbacks', 'test'], "missing required argument 'url'"],
    [['webhook', 'set'], "missing required argument 'url'"],
    [['serve', 'now'], 'too many arguments'],
    [['backup'], "missing required argument 'file'"],
    [['token'], "required option '--sub <subject>'"],
    [['demo', '--kepp'], 'Did you mean --keep?'],
  ])('%j fails with a suggestion', async (args, message) => {
    const { code, output } = await headgate(...args)
    expect([code, output]).toEqual([1, expect.stringContaining(message)])
  })

  it('writes no colors when stdout is not a terminal', async () => {
    const { output } = await headgate('doctor')
    expect(output).toContain('ok  Configuration')
    // eslint-disable-next-line no-control-regex -- matches the escape sequence of a color
    expect(output).not.toMatch(/\u001b\[/)
  })
})

describe('a warning of the configuration', () => {
  const PLAIN = 'AUTH_JWKS_URL is plain HTTP to another machine'

  it('is logged by `serve`, which starts', async () => {
    const run = start(built, ['serve'], {
      PORT: '0',
      EMULATOR_PORT: '0',
      AUTH_JWKS_URL: 'http://id.example.com/keys',
      AUTH_JWKS_URI: 'hunter2',
    })
    await addressOf(run)
    run.child.kill('SIGTERM')
    expect(await run.ended).toBe(0)
    const lines = run.stdout().split('\n')
    expect(lines.find((line) => line.includes(PLAIN))).toContain('"level":40')
    expect(lines.find((line) => line.includes('AUTH_JWKS_URI has no effect'))).toContain(
      '"level":40',
    )
    expect(run.stdout() + run.stderr()).not.toContain('hunter2')
  })

  it('is printed with the errors of an invalid configuration', async () => {
    const run = start(built, ['serve'], { AUTH_JWKS_URL: 'http://id.example.com/keys', PORT: 'x' })
    expect(await run.ended).toBe(1)
    expect(run.stderr()).toContain('  PORT must be a whole number')
    expect(run.stderr()).toContain(`  ${PLAIN}`)
  })

  it('is written to standard error by the other commands', async () => {
    const run = start(built, ['migrate'], {
      DATABASE_URI: 'file:x.db',
      DATABASE_URL: '',
      AUTH_X: 'x',
    })
    expect(await run.ended).toBe(0)
    expect(run.stderr()).toBe(
      'headgate: DATABASE_URI has no effect: headgate has no such variable. Set DATABASE_URL instead.\n',
    )
  })
})

describe('headgate signing-key', () => {
  it('creates, lists and deletes keys of the account', async () => {
    const emulator = await startTestEmulator()
    const account = {
      CLOUDFLARE_ACCOUNT_ID: emulator.accountId,
      CLOUDFLARE_API_TOKEN: emulator.token,
      CLOUDFLARE_API_BASE_URL: emulator.apiBaseUrl,
    }
    const signingKey = (...args: readonly string[]): Promise<Outcome> =>
      headgateWith(account, 'signing-key', ...args)
    expect((await signingKey('list')).output).toContain('No signing key')
    const created = await signingKey('create')
    const [, id = ''] = /^export STREAM_SIGNING_KEY_ID=(\S+)$/m.exec(created.output) ?? []
    const [, jwk = ''] = /^export STREAM_SIGNING_KEY_JWK=(\S+)$/m.exec(created.output) ?? []
    const variables = { STREAM_SIGNING_KEY_ID: id, STREAM_SIGNING_KEY_JWK: jwk }
    expect(JSON.parse(atob(jwk))).toMatchObject({ kty: 'RSA', kid: id, d: expect.any(String) })

    const listed = await signingKey('list')
    expect(listed.output).toContain(`${id}  created `)
    expect(listed.output).not.toContain(jwk)
    const inUse = { ...account, ...variables }
    const kept = await headgateWith(inUse, 'signing-key', 'delete', id)
    expect(kept).toEqual({ code: 1, output: expect.stringContaining('use --force') })
    const deleted = await headgateWith(inUse, 'signing-key', 'delete', id, '--force')
    expect(deleted).toEqual({ code: 0, output: expect.stringContaining('Signing key deleted') })
    const again = await signingKey('delete', id)
    expect(again).toEqual({ code: 1, output: expect.stringContaining('no such signing key') })
  })

  it('needs an account', async () => {
    expect(await headgate('signing-key', 'create')).toEqual({
      code: 1,
      output: expect.stringContaining('Set CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN'),
    })
  })
})

describe('headgate demo', { timeout: 60_000 }, () => {
  it('uploads three videos, and plays the private one by a signed address only', async () => {
    const { code, output } = await headgate('demo')
    expect([code, output]).toEqual([0, expect.stringContaining('All videos are READY, and play.')])
    expect(output).toContain('HTTP 200        with the token, HTTP 401 without it')
  })
})
