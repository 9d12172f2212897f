/** Child processes that read files: their priority, and those that cannot start. */
import { execFile } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { constants, getPriority } from 'node:os'
import { promisify } from 'node:util'

import { expect, onTestFinished, test, vi } from 'vitest'

import {
  largeProcessesPerCreator,
  processesPerCreator,
  startChildProcess,
} from '../../src/emulator/child-process.ts'
import { FairQueue } from '../../src/emulator/fair-queue.ts'
import { build } from '../kit/command.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { paddedTestcard, testcardFile } from '../kit/media.ts'
import { createStreamClient } from './kit/stream-client.ts'

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

test('one process with much memory works for a creator, and another for their small files', async () => {
  const reading = new FairQueue(3, largeProcessesPerCreator)
  const remuxing = new FairQueue(3, largeProcessesPerCreator)
  const small = new FairQueue(3, processesPerCreator)
  const { signal } = new AbortController()
  const order: string[] = []
  const events = new EventEmitter()
  const first = reading.run('ada', signal, async () => {
    order.push('reading')
    await once(events, 'end')
  })
  const second = remuxing.run('ada', signal, async () => void order.push('remuxing'))
  await small.run('ada', signal, async () => void order.push('small'))
  await remuxing.run('bob', signal, async () => void order.push('of bob'))
  events.emit('end')
  await Promise.all([first, second])
  expect(order).toEqual(['reading', 'small', 'of bob', 'remuxing'])
})

test('a file of 17 MB is read by a process with much memory, a small one is not', async () => {
  const add = vi.spyOn(largeProcessesPerCreator, 'add')
  onTestFinished(() => add.mockRestore())
  const stream = createStreamClient(await startTestEmulator())
  for (const file of [testcardFile(), paddedTestcard(17_000_000)]) {
    expect(add).not.toHaveBeenCalled()
    const { uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60, creator: 'ada' })
    expect((await stream.sendFile(uploadURL, file)).status).toBe(200)
  }
  expect(add.mock.calls).toEqual([['ada']])
})
