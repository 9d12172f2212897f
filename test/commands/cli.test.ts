/** The command as a process: help, invalid arguments, exit codes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Build, addressOf, build, start } from '../kit/command.ts'

let built: Build
beforeAll(async () => {
  built = await build()
})
afterAll(() => built.remove())

/** Runs the command; returns the exit code and the output of both streams. */
async function headgate(
  ...args: readonly string[]
): Promise<{ code: number | null; output: string }> {
  const run = start(built, args, {})
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
    [['webhook', 'set'], "missing required argument 'url'"],
    [['serve', 'now'], 'too many arguments'],
    [['backup'], "missing required argument 'file'"],
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
