/** The command itself, as a process: help, wrong arguments, exit codes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Build, addressOf, build, start } from '../kit/command.ts'

let built: Build
beforeAll(async () => {
  built = await build()
})
afterAll(() => built.remove())

/** Exit code and all that was written, both streams. */
async function headgate(
  ...args: readonly string[]
): Promise<{ code: number | null; said: string }> {
  const run = start(built, args, {})
  const code = await run.ended
  return { code, said: run.stdout() + run.stderr() }
}

describe('headgate', () => {
  it('lists its commands, and helps with each', async () => {
    const { code, said } = await headgate('--help')
    expect(code).toBe(0)
    for (const command of ['serve', 'emulator', 'demo', 'migrate', 'backup', 'doctor', 'webhook']) {
      expect(said).toContain(`\n  ${command} `)
      const help = await headgate(command, '--help')
      expect([command, help.code, help.said]).toEqual([
        command,
        0,
        expect.stringContaining('Usage: headgate'),
      ])
    }
  })

  it.each([
    [['sevre'], 'Did you mean serve?'],
    [['webhook', 'sett'], 'Did you mean set?'],
    [['webhook', 'set'], "missing required argument 'url'"],
    [['serve', 'now'], 'too many arguments'],
    [['backup'], "missing required argument 'file'"],
    [['demo', '--kepp'], 'Did you mean --keep?'],
  ])('%j names what is right, and fails', async (args, words) => {
    const { code, said } = await headgate(...args)
    expect([code, said]).toEqual([1, expect.stringContaining(words)])
  })

  it('writes no colours where nobody looks', async () => {
    const { said } = await headgate('doctor')
    expect(said).toContain('ok  Configuration')
    // eslint-disable-next-line no-control-regex -- that is what is looked for
    expect(said).not.toMatch(/\u001b\[/)
  })
})

describe('a warning of the configuration', () => {
  const PLAIN = 'AUTH_JWKS_URL is plain HTTP to another machine'

  it('is a line of the log of `serve`, which starts all the same', async () => {
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

  it('stands beside the errors of a configuration that does not start', async () => {
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
