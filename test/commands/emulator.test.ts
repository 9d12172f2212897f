/** `headgate emulator` as a process: its tokens and its output. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Build, type Run, build, start } from '../kit/command.ts'

const EMULATOR_TOKEN = 'eMul-Tok_Qw82MzLp67XnVb45RtKd19HgCs03'
const LINES = /^export CLOUDFLARE_(\w+)=(\S+)$/gm

let built: Build
beforeAll(async () => {
  built = await build()
})
afterAll(() => built.remove())

async function startEmulator(variables: Readonly<Record<string, string>>): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-test-'))
  const run = start(built, ['emulator'], { EMULATOR_PORT: '0', EMULATOR_DIR: folder, ...variables })
  onTestFinished(async () => {
    run.child.kill('SIGTERM')
    await run.ended
    await rm(folder, { recursive: true, force: true })
  })
  return run
}

/** Waits for the printed variables and returns them. */
async function printedVariables(run: Run): Promise<Readonly<Record<string, string>>> {
  while (!run.stderr().includes('/__emulator/state') && run.child.exitCode === null) await pause(5)
  const lines = [...run.stderr().matchAll(LINES)]
  return Object.fromEntries(lines.map(([, name = '', value = '']) => [name, value]))
}

describe('headgate emulator', () => {
  it('prints the well-known token on a loopback address', async () => {
    const { API_TOKEN, API_BASE_URL } = await printedVariables(await startEmulator({}))
    expect(API_TOKEN).toBe('local-token')
    const headers = { authorization: `Bearer ${API_TOKEN}` }
    const list = await fetch(`${API_BASE_URL}/accounts/local/stream`, { headers })
    expect(list.status).toBe(200)
  })

  it('fails on an address of other machines without EMULATOR_TOKEN', async () => {
    const run = await startEmulator({ HOST: '0.0.0.0' })
    expect(await run.ended).toBe(1)
    expect(run.stderr()).toContain('  EMULATOR_TOKEN must be set: HOST or EMULATOR_PUBLIC_URL lets')
  })

  it('accepts EMULATOR_TOKEN on an address of other machines and never prints it', async () => {
    const run = await startEmulator({ HOST: '0.0.0.0', EMULATOR_TOKEN })
    const { API_TOKEN, API_BASE_URL } = await printedVariables(run)
    expect(API_TOKEN).toBe('"$EMULATOR_TOKEN"')
    expect(run.stdout() + run.stderr()).not.toContain(EMULATOR_TOKEN)
    const headers = { authorization: `Bearer ${EMULATOR_TOKEN}` }
    const state = await fetch(new URL('/__emulator/state', API_BASE_URL), { headers })
    expect(state.status).toBe(200)
  })
})
