/** A database of another account: the check result of doctor, and `migrate --adopt-account`. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { runDoctor } from '../../src/commands/doctor/doctor.ts'
import { runMigrate } from '../../src/commands/migrate.ts'
import { openPostgres } from '../../src/postgres/connection-pool.ts'
import { createPostgresStore } from '../../src/store/postgres/postgres-store.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { mintIn } from '../contracts/store-suite.ts'
import { createTestDatabase, describeWithPostgres } from '../kit/postgres.ts'

/** Runs a command; returns its output and exit code. */
async function run(command: () => Promise<number>) {
  const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  try {
    const code = await command()
    return { code, output: stdout.mock.calls.map(([line]) => String(line)).join('') }
  } finally {
    stdout.mockRestore()
  }
}

async function fill(store: UploadStore): Promise<void> {
  await store.recordAccount('local')
  await mintIn(store, { id: 'tried' })
  await store.close()
}

/** Runs doctor, `migrate --adopt-account`, and doctor again. */
async function adopt(url: string) {
  const variables = {
    DATABASE_URL: url,
    CLOUDFLARE_ACCOUNT_ID: 'account-of-tests',
    CLOUDFLARE_API_TOKEN: 'token',
    CLOUDFLARE_API_BASE_URL: 'http://127.0.0.1:9/client/v4',
    AUTH_DISABLED: 'true',
  }
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
  onTestFinished(() => void vi.unstubAllEnvs())

  return {
    before: await run(() => runDoctor(process.env)),
    adopted: await run(() => runMigrate(true)),
    after: await run(() => runDoctor(process.env)),
  }
}

const expected = {
  before: {
    code: 1,
    output: expect.stringMatching(
      /!! {2}Database .*belongs to the emulator \(account local\).*has account account-of-tests/,
    ),
  },
  adopted: {
    code: 0,
    output: expect.stringMatching(
      /is up to date\.\n.* now belongs to account account-of-tests\.\n$/,
    ),
  },
  after: { output: expect.stringMatching(/ok {2}Database .*up to date/) },
}

test('doctor reports the account, and migrate adopts it: SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-adopt-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'headgate.db')
  await fill(createSqliteStore(file))
  expect(await adopt(`file:${file}`)).toMatchObject(expected)
})

describeWithPostgres('PostgreSQL', () => {
  test('doctor reports the account, and migrate adopts it', async () => {
    const database = await createTestDatabase()
    onTestFinished(() => database.drop())
    const postgres = openPostgres({ url: database.url, connections: 2 }, () => undefined)
    await fill(await createPostgresStore(postgres))
    expect(await adopt(database.url)).toMatchObject(expected)
  })
})
