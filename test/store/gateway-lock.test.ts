/** One SQLite file serves one gateway: what a second one is told, and what ends the first one's hold. */
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

/** A file in a folder of its own, opened as a gateway opens it. */
async function openDesk() {
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

/** A clock in which waiting takes no time, and how long was waited in all. */
function createEagerClock() {
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

const REFUSED =
  /Another gateway uses the SQLite file .*\.db.*one gateway.*DATABASE_URL to PostgreSQL/s

it('a second gateway on one file is refused, and says that several need PostgreSQL', async () => {
  const gateway = await startTestGateway()
  const desk = await openDesk()
  const { clock, waited } = createEagerClock()
  await expect(desk.open(gateway.databaseFile, clock)).rejects.toThrow(REFUSED)
  expect(waited.milliseconds).toBe(5000)
  expect(desk.warnings).toEqual(['SQLite file is used by another gateway; waiting for it to stop'])
  // The first goes on.
  expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200)
})

it('one that starts while another stops waits for it', async () => {
  const { open, warnings } = await openDesk()
  const first = await open()
  const second = open()
  await new Promise(setImmediate)
  await first.close()
  await (await second).close()
  expect(warnings).toHaveLength(1)
})

it('a link to the file is the same file', async () => {
  const { open, folder, file } = await openDesk()
  const first = await open()
  const link = join(folder, 'link.db')
  await symlink(file, link)
  await expect(open(link, createEagerClock().clock)).rejects.toThrow(REFUSED)
  await first.close()
  await (await open(link)).close()
})

it('a database in memory is of each gateway alone', async () => {
  const { open } = await openDesk()
  const both = [await open(':memory:'), await open(':memory:')]
  expect(new Set(both.map(({ store }) => store.deployment)).size).toBe(2)
  for (const one of both) await one.close()
})

it('a gateway that cannot open the file does not keep it', async () => {
  const { open, file } = await openDesk()
  const first = await open()
  await first.close()
  await rm(file)
  await symlink('/dev', file)
  await expect(open()).rejects.toThrow(/Cannot open the database/)
  await rm(file)
  await (await open()).close()
})

it('a process that is killed keeps nobody out', async () => {
  const { open, file, warnings } = await openDesk()
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
  await expect(open(file, createEagerClock().clock)).rejects.toThrow(REFUSED)
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  warnings.length = 0
  await (await open()).close()
  expect(warnings).toEqual([])
})
