/** The command itself, as a process: help, wrong arguments, exit codes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Build, build, start } from '../kit/command.ts'

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
