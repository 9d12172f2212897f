/** Child processes that read files: their priority, and those that cannot start. */
import { execFile } from 'node:child_process'
import { constants, getPriority } from 'node:os'
import { promisify } from 'node:util'

import { expect, onTestFinished, test } from 'vitest'

import { startChildProcess } from '../../src/emulator/child-process.ts'
import { build } from '../kit/command.ts'

/** Opens all files that the process may open, and starts a child process. */
const PROGRAM = `
import { openSync } from 'node:fs'
import { startChildProcess } from './dist/emulator/child-process.js'
try { for (;;) openSync('/dev/null') } catch {}
await startChildProcess(new URL('./dist/emulator/remux/remux-process.js', import.meta.url), 64, 'first').then(
  () => console.log('started'),
  (error) => console.log(error.code),
)
`

test('without a free file descriptor rejects with the error of the system', async () => {
  const built = await build()
  onTestFinished(() => built.remove())
  const command = `ulimit -n 200 && exec '${process.execPath}' --input-type=module --eval "$PROGRAM"`
  const { stdout } = await promisify(execFile)('sh', ['-c', command], {
    cwd: built.folder,
    env: { PROGRAM },
  })
  expect(stdout).toBe('EMFILE\n')
}, 60_000)

test.each([
  ['first', constants.priority.PRIORITY_BELOW_NORMAL],
  ['second', constants.priority.PRIORITY_LOW],
] as const)('of a %s attempt runs with priority %i', async (attempt, priority) => {
  const module = new URL('../../src/emulator/remux/remux-process.js', import.meta.url)
  const child = await startChildProcess(module, 64, attempt)
  onTestFinished(() => void child.kill('SIGKILL'))
  if (child.pid === undefined) throw new Error('The process has no id.')
  expect(getPriority(child.pid)).toBe(Math.max(getPriority(), priority))
})
