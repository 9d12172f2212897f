/** A PostgreSQL server for tests with a temporary folder and a free port. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'

const run = promisify(execFile)

/** The folder of Debian's PostgreSQL versions. */
const DEBIAN = '/usr/lib/postgresql'
/** The account `nobody`, because a server does not run as root. */
const NOBODY = { uid: 65_534, gid: 65_534 }
/** Start timeout in milliseconds. */
const START_MS = 30_000

export interface PostgresServer {
  /** The URL of a database on this server, for its superuser. */
  url(database: string): string
  /** The id of the server's main process; null while it does not run. */
  pid(): number | null
  /** Creates an empty database, or a copy of another. */
  createDatabase(name: string, template?: string): Promise<void>
  dropDatabase(name: string): Promise<void>
  /** Kills the server as a power failure does, without a shutdown. */
  kill(): Promise<void>
  /** Starts it again on the same folder and port. */
  start(): Promise<void>
  /** Stops it and removes its folder. */
  remove(): Promise<void>
}

/** Returns the folder of the newest installed server's programs; null if there is none. */
export async function findPostgres(): Promise<string | null> {
  const versions = await readdir(DEBIAN).catch(() => [])
  const newest = versions.toSorted((one, other) => Number(other) - Number(one))
  for (const folder of [...newest.map((version) => join(DEBIAN, version, 'bin')), '']) {
    const found = await run(join(folder, 'initdb'), ['--version']).catch(() => null)
    if (found !== null) return folder
  }
  return null
}

/**
 * @param programs as returned by `findPostgres`
 * @param durable whether commits wait for the disk; needed only by tests of a power failure
 */
export async function startPostgres(programs: string, durable = false): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-postgres-'))
  const isRoot = process.getuid?.() === 0
  const account = isRoot ? NOBODY : {}
  if (isRoot) await chown(folder, NOBODY.uid, NOBODY.gid)
  const data = join(folder, 'data')
  await run(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'headgate', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'],
    { ...account, cwd: folder },
  )
  const port = await freePort()
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    fsync: durable ? 'on' : 'off',
    synchronous_commit: 'on',
    full_page_writes: durable ? 'on' : 'off',
  }
  let server: ChildProcess | null = null
  // The server ends with the process that started it.
  process.once('exit', () => server?.kill('SIGKILL'))

  const url = (database: string): string =>
    `postgres://headgate@127.0.0.1:${port}/${encodeURIComponent(database)}`

  async function execute(text: string): Promise<void> {
    const client = new Client({ connectionString: url('postgres') })
    client.on('error', () => undefined)
    await client.connect()
    try {
      await client.query(text)
    } finally {
      await client.end()
    }
  }

  async function start(): Promise<void> {
    const deadline = performance.now() + START_MS
    for (;;) {
      const started = spawn(
        join(programs, 'postgres'),
        [
          '-D',
          data,
          ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
        ],
        { ...account, cwd: folder, stdio: 'ignore' },
      )
      server = started
      // A killed server can hold its shared memory briefly.
      if (await isReady(started, execute)) return
      if (performance.now() > deadline) throw new Error('PostgreSQL did not start.')
    }
  }

  async function end(signal: 'SIGKILL' | 'SIGINT'): Promise<void> {
    const ending = server
    if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return
    const ended = once(ending, 'exit')
    ending.kill(signal)
    await ended
  }

  await start()
  return {
    url,
    pid: () =>
      server?.exitCode === null && server.signalCode === null ? (server.pid ?? null) : null,
    createDatabase: (name, template) =>
      execute(
        `create database "${name}"${template === undefined ? '' : ` template "${template}"`}`,
      ),
    dropDatabase: (name) => execute(`drop database if exists "${name}" with (force)`),
    kill: () => end('SIGKILL'),
    start,
    async remove() {
      await end('SIGINT')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Resolves with false when the process ends before it responds. */
async function isReady(
  server: ChildProcess,
  execute: (text: string) => Promise<void>,
): Promise<boolean> {
  while (server.exitCode === null && server.signalCode === null) {
    try {
      await execute('select 1')
      return true
    } catch {
      await new Promise((resolve) => {
        setTimeout(resolve, 20)
      })
    }
  }
  return false
}

/** Returns a port that was free a moment ago. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('No port.')
  return address.port
}
