/** Runs the commands of the page on backups: copies under load, and synchronization after a restore. */
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

/** Returns the only code block of the page that contains this text. */
function block(text: string): string {
  const blocks = [...page.matchAll(/^( *)```sh\n([^]*?)^ *```$/gm)].map(([, , code = '']) => code)
  const [found, ...more] = blocks.filter((code) => code.includes(text))
  if (found === undefined || more.length > 0) throw new Error(`Expected one block with "${text}".`)
  return found
}

/** Creates a folder with `.headgate` and `backups`, in which commands of the page run unchanged. */
async function createWorkspace() {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-backups-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, '.headgate'))
  await mkdir(join(folder, 'backups'))
  function localize(command: string): string {
    return command
      .replaceAll('/backups/', `${folder}/backups/`)
      .replaceAll('npx headgate', `"${process.execPath}" "${built.folder}/dist/cli.js"`)
  }
  async function shell(
    command: string,
    variables: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const env = { PATH: process.env['PATH'], ...variables }
    const { stdout } = await run('sh', ['-e', '-c', localize(command)], { cwd: folder, env })
    return stdout
  }
  return {
    folder,
    file: join(folder, '.headgate/headgate.db'),
    copy: join(folder, 'backups/headgate.db'),
    localize,
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
    { text: 'headgate backup', isAvailable: true },
    { text: 'VACUUM INTO', isAvailable: hasSqlite },
    { text: '.backup', isAvailable: hasSqlite },
  ])(
    'made by $text contains every upload acknowledged before, and can be opened',
    async (tool, context) => {
      context.skip(!tool.isAvailable, 'sqlite3 is not installed')
      const workspace = await createWorkspace()
      const gateway = await startTestGateway({ DATABASE_URL: `file:${workspace.file}` })
      const minted: string[] = []
      const stopping = new AbortController()
      const creators = Array.from({ length: 8 }, async () => {
        while (!stopping.signal.aborted) {
          minted.push(expectMinted(await createDirectUpload(gateway.as())).uid)
        }
      })
      const untilMinted = (count: number): Promise<void> =>
        vi.waitFor(() => expect(minted.length).toBeGreaterThan(count), 10_000)
      await untilMinted(100)
      const mintedBefore = [...minted]
      await workspace.shell(block(tool.text))
      await untilMinted(minted.length)
      stopping.abort()
      await Promise.all(creators)

      const copied = new Set(uidsIn(workspace.copy))
      expect(mintedBefore.filter((uid) => !copied.has(uid))).toEqual([])
      const all = new Set(uidsIn(workspace.file))
      expect([...copied].filter((uid) => !all.has(uid))).toEqual([])
      const store = createSqliteStore(workspace.copy)
      expect(await store.count({})).toBe(copied.size)
      await store.close()
    },
  )
})

/** Advances the gateway's clock by 5 seconds at a time until the condition holds. */
async function advanceUntil(gateway: TestGateway, holds: () => Promise<boolean>): Promise<void> {
  for (let rounds = 0; rounds < 100; rounds += 1) {
    if (await holds()) return
    gateway.clock.advance(5)
  }
  throw new Error('The condition did not hold after 100 rounds.')
}

const uploadList = z.object({
  uploads: z.object({ nodes: z.array(z.object({ uid: z.string(), status: z.string() })) }),
})

async function statusesAt(gateway: TestGateway): Promise<ReadonlyMap<string, string>> {
  const { uploads } = await gateway
    .as()
    .request(
      uploadList,
      '{ uploads(first: 100, filter: { status: [READY, DELETED, PENDING_UPLOAD] }) { nodes { uid status } } }',
    )
  return new Map(uploads.nodes.map(({ uid, status }) => [uid, status]))
}

describe('a restored copy', () => {
  it('synchronizes the uploads it knows and deletes no video of an upload it does not know', async (context) => {
    context.skip(!hasSqlite, 'sqlite3 is not installed')
    const emulator = await startTestEmulator()
    const account = {
      CLOUDFLARE_ACCOUNT_ID: emulator.accountId,
      CLOUDFLARE_API_TOKEN: emulator.token,
      CLOUDFLARE_API_BASE_URL: emulator.apiBaseUrl,
    }
    const workspace = await createWorkspace()
    const serve = (): Promise<TestGateway> =>
      startTestGateway({
        ...account,
        AUTH_DISABLED: 'true',
        DATABASE_URL: `file:${workspace.file}`,
      })
    const gateway = await serve()
    const mint = () => createDirectUpload(gateway.as()).then(expectMinted)

    const known = await mint()
    const deleted = await mint()
    // The gateway sends the request before the copy; Stream responds after the copy.
    await emulator.fault({ on: 'direct_upload', delayMs: 2000 })
    const inFlight = mint()
    await vi.waitFor(async () => {
      expect((await emulator.state()).requests).toMatchObject({ direct_upload: 3 })
    })
    await workspace.shell(block('headgate backup'))
    const lost = await inFlight
    const unknown = await mint()
    await postFile(known.uploadURL, testcardFile())
    await postFile(unknown.uploadURL, testcardFile())
    await deleteUpload(gateway.as(), deleted.uid)
    await gateway.stop()

    await workspace.shell(block('.headgate/damaged'))
    await workspace.shell(block('chmod 600'))
    expect(await workspace.shell(block('headgate doctor'))).toContain('intact and up to date')
    expect(await workspace.shell(block('select count(*)'))).toBe('2\n')
    const restored = await serve()
    await advanceUntil(restored, async () => {
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
    expect(await workspace.shell(missing, account)).toBe(`${unknown.uid}\n`)
  }, 60_000)
})

describe('headgate backup', () => {
  it('creates one file with mode 600 and does not overwrite an existing copy', async () => {
    const workspace = await createWorkspace()
    const gateway = await startTestGateway({ DATABASE_URL: `file:${workspace.file}` })
    expectMinted(await createDirectUpload(gateway.as()))
    const output = await workspace.shell(block('headgate backup'))
    expect(output).toMatch(/headgate\.db: 1 upload, \d+ bytes, integrity check passed\.\n$/)
    expect((await stat(workspace.copy)).mode & 0o777).toBe(0o600)
    expect(await readdir(join(workspace.folder, 'backups'))).toEqual(['headgate.db'])
    await expect(workspace.shell(block('headgate backup'))).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('already exists'),
    })
  })

  it('succeeds after a killed backup and deletes the files that one left', async () => {
    const workspace = await createWorkspace()
    const gateway = await startTestGateway({ DATABASE_URL: `file:${workspace.file}` })
    expectMinted(await createDirectUpload(gateway.as()))
    const folder = join(workspace.folder, 'backups')
    const killed = `headgate.db.${randomUUID()}.partial`
    const running = `headgate.db.${randomUUID()}.partial`
    const foreign = [`other.db.${randomUUID()}.partial`, 'headgate.db.x.partial']
    for (const name of [killed, `${killed}-journal`, 'headgate.db.partial', running, ...foreign]) {
      await writeFile(join(folder, name), 'half of a database')
      if (name !== running) await utimes(join(folder, name), 0, 0)
    }
    await workspace.shell(block('headgate backup'))
    expect(uidsIn(workspace.copy)).toHaveLength(1)
    // A recent partial file may belong to a running backup.
    expect((await readdir(folder)).toSorted()).toEqual(
      ['headgate.db', running, ...foreign].toSorted(),
    )
  })

  it('leaves only a partial file when killed, and the next backup succeeds', async () => {
    const workspace = await createWorkspace()
    const gateway = await startTestGateway({ DATABASE_URL: `file:${workspace.file}` })
    expectMinted(await createDirectUpload(gateway.as()))
    await gateway.stop()
    // The copy has to wait halfway until this transaction ends.
    const holder = new Database(workspace.file)
    onTestFinished(() => void holder.close())
    holder.pragma('journal_mode = DELETE')
    holder.exec('begin exclusive')
    const child = spawn(
      'sh',
      ['-e', '-c', `exec ${workspace.localize(block('headgate backup'))}`],
      {
        cwd: workspace.folder,
      },
    )
    const folder = join(workspace.folder, 'backups')
    await vi.waitFor(async () => expect(await readdir(folder)).toHaveLength(1), 10_000)
    child.kill('SIGKILL')
    await once(child, 'exit')
    holder.exec('commit')
    expect(await readdir(folder)).toHaveLength(1)
    await workspace.shell(block('headgate backup'))
    expect(uidsIn(workspace.copy)).toHaveLength(1)
  })

  it.each([
    ['there is no database', async () => {}, 'no database at .headgate/headgate.db'],
    [
      'the file is not a database',
      (file: string) => writeFile(file, 'text that is not a database'),
      'failed (SQLITE_NOTADB)',
    ],
    [
      'the database has another schema',
      async (file: string) => {
        new Database(file).exec('create table notes (id integer)').close()
      },
      'no such table: uploads',
    ],
  ])('fails with the reason and leaves no file when %s', async (_case, prepare, reason) => {
    const workspace = await createWorkspace()
    await prepare(workspace.file)
    await expect(workspace.shell(block('headgate backup'))).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(reason),
    })
    expect(await readdir(join(workspace.folder, 'backups'))).toEqual([])
  })
})
