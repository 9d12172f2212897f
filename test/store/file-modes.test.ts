/** Files with one-time URLs are accessible to their owner only with any umask. */
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { checkDatabase } from '../../src/commands/doctor/check-database.ts'
import { backupSqlite } from '../../src/store/sqlite/backup.ts'
import { openSqlite } from '../../src/store/sqlite/database.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { openDatabase } from '../../src/emulator/state/database.ts'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import { createDirectUpload, createTusUpload, expectMinted, postFile } from '../kit/operations.ts'

function setUmask(mask: number): void {
  const before = process.umask(mask)
  onTestFinished(() => void process.umask(before))
}

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-modes-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Returns the mode of each file and folder below a path. */
async function modesBelow(path: string): Promise<ReadonlyMap<string, string>> {
  const names = await readdir(path, { recursive: true })
  const modes = await Promise.all(
    names.map(async (name) => {
      const found = await stat(join(path, name))
      const mode = (found.mode & 0o777).toString(8)
      return [name, `${found.isDirectory() ? 'folder' : 'file'} ${mode}`] as const
    }),
  )
  return new Map(modes)
}

/** Returns entries that other users can access, or that their owner cannot. */
function notOwnerOnly(modes: ReadonlyMap<string, string>): unknown[] {
  return [...modes].filter(([, mode]) => mode !== 'folder 700' && mode !== 'file 600')
}

const start = (): Promise<TestGateway> =>
  startTestGateway({
    DATABASE_URL: `file:${join(folder, 'a/b/headgate.db')}`,
    EMULATOR_DIR: join(folder, 'c/emulator'),
  })

describe('with a umask of 0', () => {
  it('restricts database, log, lock, backup and emulator files to their owner', async () => {
    setUmask(0)
    const gateway = await start()
    const { uploadURL } = expectMinted(await createDirectUpload(gateway.as()))
    expectMinted(await createTusUpload(gateway.as(), { sizeBytes: 1000 }))
    await postFile(uploadURL, testcardFile())
    await backupSqlite(gateway.databaseFile, join(folder, 'a/b/backup.db'))
    const modes = await modesBelow(folder)
    expect(notOwnerOnly(modes)).toEqual([])
    expect([...modes.keys()].filter((name) => name.startsWith('a/b/')).toSorted()).toEqual([
      'a/b/backup.db',
      'a/b/headgate.db',
      'a/b/headgate.db-shm',
      'a/b/headgate.db-wal',
      'a/b/headgate.db.lock',
    ])
    expect([...modes.keys()].filter((name) => name.startsWith('c/emulator/files/'))).toHaveLength(2)
    expect(gateway.logs.filter(({ message }) => message.includes('other users'))).toEqual([])
  })

  it('restricts the files of an emulator without a gateway to their owner', async () => {
    setUmask(0)
    const emulator = await startEmulator({ directory: join(folder, 'emulator') })
    onTestFinished(() => emulator.close())
    const modes = await modesBelow(folder)
    expect([...modes.keys()]).toContain('emulator/emulator.db')
    expect(notOwnerOnly(modes)).toEqual([])
  })
})

it('creates no file for a database in memory', () => {
  openDatabase(':memory:').close()
  openSqlite(':memory:').connection.close()
  expect(existsSync(':memory:')).toBe(false)
})

describe('existing files and folders', () => {
  it('keep their mode when a folder has another one', async () => {
    await mkdir(join(folder, 'a/b'), { recursive: true })
    await chmod(join(folder, 'a/b'), 0o755)
    await mkdir(join(folder, 'c/emulator'), { recursive: true })
    await chmod(join(folder, 'c/emulator'), 0o755)
    await start()
    const modes = await modesBelow(folder)
    expect([modes.get('a/b'), modes.get('c/emulator')]).toEqual(['folder 755', 'folder 755'])
    expect(modes.get('c/emulator/files')).toBe('folder 700')
    expect(modes.get('a/b/headgate.db')).toBe('file 600')
  })

  it('cause a warning when other users can read the database', async () => {
    const file = join(folder, 'a/b/headgate.db')
    await createSqliteStore(file).close()
    await chmod(file, 0o644)
    const gateway = await start()
    expect(gateway.logs).toContainEqual({
      level: 'warn',
      fields: { file, mode: '644' },
      message: 'database file is accessible to other users; restrict it with chmod 600',
    })
    expect((await stat(file)).mode & 0o777).toBe(0o644)
    await gateway.stop()
    expect(await checkDatabase({ kind: 'sqlite', file }, 'local')).toEqual({
      state: 'warning',
      subject: 'Database',
      sentence: `${file} is intact and up to date, but other users can read it. Run \`chmod 600 ${file}\`.`,
    })
  })
})

async function fillDatabase(file: string): Promise<void> {
  const store = createSqliteStore(file)
  for (let count = 0; count < 40; count += 1)
    await store.saveUnmatchedWebhook(`u${count}`, 'x'.repeat(4000), new Date(0))
  await store.close()
}

describe('a file that is not a valid database', () => {
  it.each<[what: string, code: string, make: (file: string) => Promise<void>]>([
    [
      'is not SQLite',
      'SQLITE_NOTADB',
      (file) => writeFile(file, 'This is a sentence. '.repeat(200)),
    ],
    [
      'is damaged',
      'SQLITE_CORRUPT',
      async (file) => {
        await fillDatabase(file)
        const bytes = await readFile(file)
        bytes.fill(0xff, 4096, bytes.length)
        // The first page stays valid, except for the schema in it.
        bytes.fill(0xff, 100, 120)
        await writeFile(file, bytes)
      },
    ],
  ])('fails the start with the reason and the fix when it %s', async (_what, code, make) => {
    const file = join(folder, 'a/b/headgate.db')
    await mkdir(join(folder, 'a/b'), { recursive: true })
    await make(file)
    await expect(start()).rejects.toThrow(
      new RegExp(
        `Cannot open the database .*headgate\\.db \\(${code}\\).*damaged.*restore a backup`,
      ),
    )
    expect(await checkDatabase({ kind: 'sqlite', file }, 'local')).toEqual({
      state: 'error',
      subject: 'Database',
      sentence: expect.stringMatching(/damaged.*Restore a backup/),
    })
  })
})
