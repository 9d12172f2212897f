import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { cpuMicroseconds, treeMicroseconds, machineMicroseconds } from './cpu.ts'

const WORK = 'const until = process.cpuUsage().user + 1e5; while (process.cpuUsage().user < until);'

test.skipIf(!existsSync('/proc/stat'))(
  'counts ended and running descendants for a process tree, and only its own time for a process',
  async () => {
    const before = machineMicroseconds()
    const child = spawn(
      'sh',
      [
        '-c',
        '"$0" --eval "$1"; "$0" --eval "$1 console.log(0); setInterval(() => {}, 1000)"; :',
      ].concat([process.execPath, WORK]),
      { stdio: ['ignore', 'pipe', 'inherit'], detached: true },
    )
    const pid = child.pid ?? 0
    onTestFinished(() => void process.kill(-pid, 'SIGKILL'))
    await once(child.stdout, 'data')

    expect(cpuMicroseconds(pid)).toBeLessThan(90_000)
    expect(treeMicroseconds(pid)).toBeGreaterThanOrEqual(190_000)
    const after = machineMicroseconds()
    expect((after?.busy ?? 0) - (before?.busy ?? 0)).toBeGreaterThanOrEqual(190_000)
    expect(after?.busy).toBeLessThanOrEqual(after?.all ?? 0)
  },
)

test('returns null for a process that does not exist', () => {
  expect(treeMicroseconds(2 ** 31 - 1)).toBeNull()
})
