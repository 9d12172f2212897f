/** The page on backups, by its own commands: copies under load, and what a restored one knows. */
import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { type Build, build } from '../kit/command.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import { createDirectUpload, deleteUpload, expectMinted, postFile } from '../kit/operations.ts'

const run = promisify(execFile)
const page = readFileSync(new URL('../../src/store/backups.md', import.meta.url), 'utf8')
const hasSqlite = await run('sqlite3', ['-version']).then(
  () => true,
  () => false,
)

let built: Build
beforeAll(async () => {
  built = await build()
}, 60_000)
afterAll(() => built.remove())

/** The one block of the page that has these words in it. */
function block(words: string): string {
  const blocks = [...page.matchAll(/^( *)```sh\n([^]*?)^ *```$/gm)].map(([, , code = '']) => code)
  const [found, ...more] = blocks.filter((code) => code.includes(words))
  if (found === undefined || more.length > 0) throw new Error(`Not one block with "${words}".`)
  return found
}

/** A folder with `.headgate` and `backups` in it, where commands of the page run as they stand. */
async function openDesk() {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-backups-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, '.headgate'))
  await mkdir(join(folder, 'backups'))
  function here(command: string): string {
    return command
      .replaceAll('/backups/', `${folder}/backups/`)
      .replaceAll('npx headgate', `"${process.execPath}" "${built.folder}/dist/cli.js"`)
  }
  async function shell(
    command: string,
    variables: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const env = { PATH: process.env['PATH'], ...variables }
    const { stdout } = await run('sh', ['-e', '-c', here(command)], { cwd: folder, env })
    return stdout
  }
  return {
    folder,
    file: join(folder, '.headgate/headgate.db'),
    copy: join(folder, 'backups/headgate.db'),
    here,
    shell,
  }
}

function uidsIn(file: string): readonly string[] {
  const connection = new Database(file, { readonly: true })
  try {
    expect(connection.pragma('integrity_check', { simple: true })).toBe('ok')
    const all = connection.prepare<[], string>('select uid from uploads where uid is not null')
    return all.pluck().all()
  } finally {
    connection.close()
  }
}

describe('a copy made while the gateway writes', { timeout: 60_000 }, () => {
  it.for([
    { words: 'headgate backup', isHere: true },
    { words: 'VACUUM INTO', isHere: hasSqlite },
    { words: '.backup', isHere: hasSqlite },
  ])('by $words holds all that was answered before, and opens', async (way, context) => {
    context.skip(!way.isHere, 'sqlite3 is not installed')
    const desk = await openDesk()
    const gateway = await startTestGateway({ DATABASE_URL: `file:${desk.file}` })
    const minted: string[] = []
    const over = new AbortController()
    const creators = Array.from({ length: 8 }, async () => {
      while (!over.signal.aborted) {
        minted.push(expectMinted(await createDirectUpload(gateway.as())).uid)
      }
    })
    const untilMinted = (count: number): Promise<void> =>
      vi.waitFor(() => expect(minted.length).toBeGreaterThan(count), 10_000)
    await untilMinted(100)
    const before = [...minted]
    await desk.shell(block(way.words))
    await untilMinted(minted.length)
    over.abort()
    await Promise.all(creators)

    const copied = new Set(uidsIn(desk.copy))
    expect(before.filter((uid) => !copied.has(uid))).toEqual([])
    const all = new Set(uidsIn(desk.file))
    expect([...copied].filter((uid) => !all.has(uid))).toEqual([])
    const store = createSqliteStore(desk.copy)
    expect(await store.count({})).toBe(copied.size)
    await store.close()
  })
})

/** Moves the gateway's clock on, a round at a time, until it holds. */
async function moveOnUntil(gateway: TestGateway, holds: () => Promise<boolean>): Promise<void> {
  for (let rounds = 0; rounds < 100; rounds += 1) {
    if (await holds()) return
    gateway.clock.advance(5)
  }
  throw new Error('It did not come to that.')
}

const listed = z.object({
  uploads: z.object({ nodes: z.array(z.object({ uid: z.string(), status: z.string() })) }),
})

async function statusesAt(gateway: TestGateway): Promise<ReadonlyMap<string, string>> {
  const { uploads } = await gateway
    .as()
    .ask(listed, '{ uploads(first: 100) { nodes { uid status } } }')
  return new Map(uploads.nodes.map(({ uid, status }) => [uid, status]))
}

describe('a restored copy', () => {
  it('learns what became of what it knows, and touches nothing that it does not', async (context) => {
    context.skip(!hasSqlite, 'sqlite3 is not installed')
    const emulator = await startTestEmulator()
    const account = {
      CLOUDFLARE_ACCOUNT_ID: emulator.accountId,
      CLOUDFLARE_API_TOKEN: emulator.token,
      CLOUDFLARE_API_BASE_URL: emulator.apiBaseUrl,
    }
    const desk = await openDesk()
    const serve = (): Promise<TestGateway> =>
      startTestGateway({ ...account, AUTH_DISABLED: 'true', DATABASE_URL: `file:${desk.file}` })
    const gateway = await serve()
    const mint = () => createDirectUpload(gateway.as()).then(expectMinted)

    const known = await mint()
    const deleted = await mint()
    // Asked for when the copy is made, and answered after it.
    await emulator.fault({ on: 'direct_upload', delayMs: 2000 })
    const halfway = mint()
    await vi.waitFor(async () => {
      expect((await emulator.state()).requests).toMatchObject({ direct_upload: 3 })
    })
    await desk.shell(block('headgate backup'))
    const lost = await halfway
    const unknown = await mint()
    await postFile(known.uploadURL, testcardFile())
    await postFile(unknown.uploadURL, testcardFile())
    await deleteUpload(gateway.as(), deleted.uid)
    await gateway.stop()

    await desk.shell(block('.headgate/damaged'))
    await desk.shell(block('chmod 600'))
    expect(await desk.shell(block('headgate doctor'))).toContain('intact and up to date')
    expect(await desk.shell(block('select count(*)'))).toBe('2\n')
    const restored = await serve()
    await moveOnUntil(restored, async () => {
      const statuses = await statusesAt(restored)
      const { videos } = await emulator.state()
      return (
        statuses.get(known.uid) === 'READY' &&
        statuses.get(deleted.uid) === 'DELETED' &&
        videos.every(({ uid }) => uid !== lost.uid)
      )
    })
    expect([...(await statusesAt(restored)).keys()].toSorted()).toEqual(
      [known.uid, deleted.uid].toSorted(),
    )
    const { videos } = await emulator.state()
    expect(videos.map(({ uid }) => uid).toSorted()).toEqual([known.uid, unknown.uid].toSorted())
    const missing = block('comm -23').replace('2026-01-31T00:00:00Z', '2020-01-31T00:00:00Z')
    expect(await desk.shell(missing, account)).toBe(`${unknown.uid}\n`)
  }, 60_000)
})

describe('headgate backup', () => {
  it('is for its owner only, stands alone, and overwrites nothing', async () => {
    const desk = await openDesk()
    const gateway = await startTestGateway({ DATABASE_URL: `file:${desk.file}` })
    expectMinted(await createDirectUpload(gateway.as()))
    const said = await desk.shell(block('headgate backup'))
    expect(said).toMatch(/headgate\.db: 1 upload, \d+ bytes, integrity check passed\.\n$/)
    expect((await stat(desk.copy)).mode & 0o777).toBe(0o600)
    expect(await readdir(join(desk.folder, 'backups'))).toEqual(['headgate.db'])
    await expect(desk.shell(block('headgate backup'))).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('already exists'),
    })
  })

  it('is kept from nothing by one that was killed, and takes away what that left', async () => {
    const desk = await openDesk()
    const gateway = await startTestGateway({ DATABASE_URL: `file:${desk.file}` })
    expectMinted(await createDirectUpload(gateway.as()))
    const folder = join(desk.folder, 'backups')
    const killed = `headgate.db.${randomUUID()}.partial`
    const underWay = `headgate.db.${randomUUID()}.partial`
    const foreign = [`other.db.${randomUUID()}.partial`, 'headgate.db.x.partial']
    for (const name of [killed, `${killed}-journal`, 'headgate.db.partial', underWay, ...foreign]) {
      await writeFile(join(folder, name), 'half of a database')
      if (name !== underWay) await utimes(join(folder, name), 0, 0)
    }
    await desk.shell(block('headgate backup'))
    expect(uidsIn(desk.copy)).toHaveLength(1)
    // Another one may be at work at this moment.
    expect((await readdir(folder)).toSorted()).toEqual(
      ['headgate.db', underWay, ...foreign].toSorted(),
    )
  })

  it('leaves at a kill nothing that the next one could fall over', async () => {
    const desk = await openDesk()
    const gateway = await startTestGateway({ DATABASE_URL: `file:${desk.file}` })
    expectMinted(await createDirectUpload(gateway.as()))
    await gateway.stop()
    // Until this transaction is over, the copy has to wait, in its midst.
    const holder = new Database(desk.file)
    onTestFinished(() => void holder.close())
    holder.pragma('journal_mode = DELETE')
    holder.exec('begin exclusive')
    const child = spawn('sh', ['-e', '-c', `exec ${desk.here(block('headgate backup'))}`], {
      cwd: desk.folder,
    })
    const folder = join(desk.folder, 'backups')
    await vi.waitFor(async () => expect(await readdir(folder)).toHaveLength(1), 10_000)
    child.kill('SIGKILL')
    await once(child, 'exit')
    holder.exec('commit')
    expect(await readdir(folder)).toHaveLength(1)
    await desk.shell(block('headgate backup'))
    expect(uidsIn(desk.copy)).toHaveLength(1)
  })

  it.each([
    ['there is no database', async () => {}, 'no database at .headgate/headgate.db'],
    [
      'the file is none',
      (file: string) => writeFile(file, 'a sentence, and no database at all'),
      'failed (SQLITE_NOTADB)',
    ],
    [
      'it is somebody else’s database',
      async (file: string) => {
        new Database(file).exec('create table notes (id integer)').close()
      },
      'no such table: uploads',
    ],
  ])('says so where %s, and leaves nothing behind', async (_case, prepare, words) => {
    const desk = await openDesk()
    await prepare(desk.file)
    await expect(desk.shell(block('headgate backup'))).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(words),
    })
    expect(await readdir(join(desk.folder, 'backups'))).toEqual([])
  })
})
