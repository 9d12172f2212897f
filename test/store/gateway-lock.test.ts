/** One SQLite file serves one gateway: what a second gateway reports, and what releases the lock. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type Database, openDatabase } from '../../src/node/open-database.ts'
import type { Clock } from '../../src/shared/clock.ts'
import { createTestClock } from '../kit/clock.ts'
import { startTestGateway } from '../kit/gateway.ts'

const modules = new URL('../../node_modules/', import.meta.url)

const ignore = (): void => undefined

/** Creates a folder for a file, and opens the file as a gateway does. */
async function createFixture() {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-lock-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'headgate.db')
  const warnings: string[] = []
  const log = {
    debug: ignore,
    info: ignore,
    warn: (_fields: object, message: string) => void warnings.push(message),
    error: ignore,
  }
  return {
    folder,
    file,
    warnings,
    open: (path = file, clock: Clock = createTestClock()): Promise<Database> =>
      openDatabase({ kind: 'sqlite', file: path }, clock, log),
  }
}

/** A clock on which waiting takes no time, with the total time waited. */
function createInstantClock() {
  const waited = { milliseconds: 0 }
  const clock: Clock = {
    now: () => new Date(waited.milliseconds),
    monotonicMs: () => waited.milliseconds,
    async wait(milliseconds) {
      waited.milliseconds += milliseconds
      await new Promise(setImmediate)
    },
  }
  return { clock, waited }
}

const FILE_IN_USE =
  /Another gateway uses the SQLite file .*\.db.*one gateway.*DATABASE_URL to PostgreSQL/s

it('rejects a second gateway on one file and recommends PostgreSQL', async () => {
  const gateway = await startTestGateway()
  const fixture = await createFixture()
  const { clock, waited } = createInstantClock()
  await expect(fixture.open(gateway.databaseFile, clock)).rejects.toThrow(FILE_IN_USE)
  expect(waited.milliseconds).toBe(5000)
  expect(fixture.warnings).toEqual([
    'SQLite file is used by another gateway; waiting for it to stop',
  ])
  // The first gateway keeps running.
  expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200)
})

it('waits for a gateway that is stopping', async () => {
  const { open, warnings } = await createFixture()
  const first = await open()
  const second = open()
  await new Promise(setImmediate)
  await first.close()
  await (await second).close()
  expect(warnings).toHaveLength(1)
})

it('treats a symbolic link as the same file', async () => {
  const { open, folder, file } = await createFixture()
  const first = await open()
  const link = join(folder, 'link.db')
  await symlink(file, link)
  await expect(open(link, createInstantClock().clock)).rejects.toThrow(FILE_IN_USE)
  await first.close()
  await (await open(link)).close()
})

it('opens separate databases in memory for two gateways', async () => {
  const { open } = await createFixture()
  const both = [await open(':memory:'), await open(':memory:')]
  expect(new Set(both.map(({ store }) => store.deployment)).size).toBe(2)
  for (const gateway of both) await gateway.close()
})

it('releases the lock when the file cannot be opened', async () => {
  const { open, file } = await createFixture()
  const first = await open()
  await first.close()
  await rm(file)
  await symlink('/dev', file)
  await expect(open()).rejects.toThrow(/Cannot open the database/)
  await rm(file)
  await (await open()).close()
})

it('opens the file after a process that held the lock was killed', async () => {
  const { open, file, warnings } = await createFixture()
  const first = await open()
  await first.close()
  const code = `
    const Database = require(${JSON.stringify(new URL('better-sqlite3', modules).pathname)})
    globalThis.held = new Database(${JSON.stringify(`${file}.lock`)})
    held.exec('begin exclusive')
    process.stdout.write('held')
    setInterval(() => undefined, 1000)`
  const holder = spawn(process.execPath, ['--eval', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  await expect(open(file, createInstantClock().clock)).rejects.toThrow(FILE_IN_USE)
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  warnings.length = 0
  await (await open()).close()
  expect(warnings).toEqual([])
})
