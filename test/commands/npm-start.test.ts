/** `npm start` as a process manager and a terminal run it: npm, its shell, and the gateway. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Build, type Run, addressOf, build, captureOutput } from '../kit/command.ts'

let built: Build
beforeAll(async () => {
  built = await build()
})
afterAll(() => built.remove())

/** Runs `npm start` in its own process group. The script before it only builds, which was done. */
async function npmStart(): Promise<Run> {
  const data = await mkdtemp(join(tmpdir(), 'headgate-npm-start-'))
  const child = spawn('npm', ['start', '--ignore-scripts'], {
    cwd: built.folder,
    detached: true,
    env: {
      PATH: process.env['PATH'],
      HOME: data,
      npm_config_update_notifier: 'false',
      PORT: '0',
      EMULATOR_PORT: '0',
      EMULATOR_DIR: join(data, 'emulator'),
      DATABASE_URL: `file:${join(data, 'headgate.db')}`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(async () => {
    killGroup(child)
    await rm(data, { recursive: true, force: true })
  })
  return captureOutput(child)
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // ESRCH: every process of the group has ended.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Opens a subscription. The text is complete once the gateway has ended it; null if the connection is reset. */
async function subscribe(url: string): Promise<{ readonly text: Promise<string | null> }> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: '{"query":"subscription { uploadsChanged { uid } }"}',
  })
  return { text: response.text().catch(() => null) }
}

const SIGNALS: readonly (readonly [name: string, send: (npm: number) => void])[] = [
  ['SIGTERM to npm', (npm) => process.kill(npm, 'SIGTERM')],
  // systemd sends it to every process of the service, and npm forwards its own.
  ['SIGTERM to every process', (npm) => process.kill(-npm, 'SIGTERM')],
  ['SIGINT to npm', (npm) => process.kill(npm, 'SIGINT')],
  // The terminal sends Ctrl-C to npm, to its shell and to the gateway, and npm forwards it.
  ['Ctrl-C', (npm) => process.kill(-npm, 'SIGINT')],
]

describe('npm start', () => {
  it.each(SIGNALS)(
    'drains and exits with 0 on %s',
    async (_name, send) => {
      const run = await npmStart()
      const url = await addressOf(run)
      const subscription = await subscribe(url)
      const npmExit = once(run.child, 'exit')
      send(run.child.pid ?? 0)
      expect(await npmExit).toEqual([0, null])
      // Nothing that npm started outlives it: the port is free.
      await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed')
      // The subscriber was told to reconnect, instead of a reset connection.
      expect(await subscription.text).toContain('retry: ')
      expect(run.stdout()).toContain('shutting down')
    },
    60_000,
  )
})
