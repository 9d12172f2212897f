/** Starts the gateway as a child process that can be killed and started again. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'

const root = fileURLToPath(new URL('../..', import.meta.url))
const START_TIMEOUT_MS = 20_000
/** Start timeout when the database may be down first, so that the start is retried. */
const RETRIED_START_TIMEOUT_MS = 60_000
/** Unit of processor times in `/proc`. */
const MS_PER_CLOCK_TICK = 10
/** Minimum pino level of a line that counts as a failure of the gateway. */
const ERROR_LEVEL = 50
/** Message on standard error when the gateway does not start because its database is unavailable. */
const DATABASE_UNAVAILABLE = 'Cannot open the database'

export interface GatewayProcess {
  readonly url: string
  /** Number of log lines by message, over all restarts. */
  readonly messages: ReadonlyMap<string, number>
  /** Log lines at error level, errors on standard error, and unexpected exits. */
  readonly failures: readonly string[]
  /** References of the orphans in its log lines about deletions, over all restarts. */
  readonly orphans: readonly string[]
  readonly kills: () => number
  /** Sends SIGKILL and starts it again with the same port and database. Resolves when it is ready. */
  killAndStart(): Promise<void>
  /** Resident set size in bytes. */
  residentBytes(): Promise<number>
  /** Processor time so far in milliseconds, of all threads. */
  processorMs(): Promise<number>
  /** Kills the process. */
  end(): Promise<void>
}

export interface GatewayProcessOptions {
  readonly variables: Readonly<Record<string, string>>
  readonly port: number
  /** Speed factor of its clock; 1 runs `headgate serve` itself. */
  readonly pace: number
  /** Start of the fast clock, in milliseconds since 1970; the same for all gateways of a deployment. */
  readonly since?: number
  /** Ignores failures caused by an unavailable database, and retries a start that failed for it. */
  readonly databaseMayBeDown?: boolean
}

let build: Promise<unknown> | null = null

/** Compiles `src` into `dist`, once per test process. */
export function buildGateway(): Promise<unknown> {
  build ??= promisify(execFile)(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
    { cwd: root },
  )
  return build
}

/**
 * Returns a free port below the ephemeral range, so that no outgoing connection takes it during a
 * restart.
 */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    const server = createServer()
    const isFree = new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!(await isFree)) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

export async function startGatewayProcess({
  variables,
  port,
  pace,
  since = Date.now(),
  databaseMayBeDown = false,
}: GatewayProcessOptions): Promise<GatewayProcess> {
  await buildGateway()
  const url = `http://127.0.0.1:${port}`
  const messages = new Map<string, number>()
  const failures: string[] = []
  const orphans: string[] = []
  let kills = 0
  /** Whether the current process has become ready. */
  let isReady = false
  let child = spawnGateway()

  function spawnGateway(): ChildProcess {
    const script = pace === 1 ? ['dist/cli.js', 'serve'] : ['test/chaos/fast-clock-gateway.mjs']
    const spawned = spawn(process.execPath, script, {
      cwd: root,
      env: {
        PATH: process.env['PATH'],
        ...variables,
        PORT: String(port),
        HEADGATE_CHAOS_PACE: String(pace),
        HEADGATE_CHAOS_SINCE: String(since),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    createInterface(spawned.stdout).on('line', readLine)
    spawned.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (databaseMayBeDown && text.includes(DATABASE_UNAVAILABLE)) return
      if (/error|warning/i.test(text)) failures.push(text.trim().slice(0, 600))
    })
    spawned.once('exit', (code, signal) => {
      if (isReady && signal !== 'SIGKILL') failures.push(`unexpected exit: ${signal ?? code}`)
    })
    return spawned
  }

  function readLine(text: string): void {
    const line = readLogLine(text)
    if (line === null) return
    messages.set(line.msg, (messages.get(line.msg) ?? 0) + 1)
    if (line.msg === 'orphan deleted at Stream') orphans.push(line.uploadId ?? 'without uploadId')
    if (databaseMayBeDown && line.err?.type === 'StoreUnavailable') return
    if (line.level >= ERROR_LEVEL) failures.push(text.slice(0, 600))
  }

  async function waitUntilReady(): Promise<void> {
    const deadline = Date.now() + (databaseMayBeDown ? RETRIED_START_TIMEOUT_MS : START_TIMEOUT_MS)
    while (Date.now() < deadline) {
      if (child.exitCode !== null) {
        if (!databaseMayBeDown) break
        child = spawnGateway()
      }
      const response = await fetch(`${url}/readyz`).catch(() => null)
      await response?.body?.cancel()
      if (response?.status === 200) {
        isReady = true
        return
      }
      await pause(20)
    }
    throw new Error(`The gateway did not start: ${failures.join('\n')}`)
  }

  async function kill(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
    isReady = false
  }

  // The gateway must not outlive the test process.
  process.once('exit', () => child.kill('SIGKILL'))
  try {
    await waitUntilReady()
  } catch (error) {
    await kill()
    throw error
  }
  return {
    url,
    messages,
    failures,
    orphans,
    kills: () => kills,
    async killAndStart() {
      await kill()
      kills += 1
      child = spawnGateway()
      await waitUntilReady()
    },
    async residentBytes() {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
      const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? []
      return Number(kilobytes) * 1024
    },
    async processorMs() {
      const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8')
      // The name in parentheses may contain spaces. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return (Number(fields[11]) + Number(fields[12])) * MS_PER_CLOCK_TICK
    },
    end: kill,
  }
}

const logLine = z.object({
  level: z.number(),
  msg: z.string(),
  uploadId: z.string().optional(),
  err: z.looseObject({ type: z.string().optional() }).optional(),
})

/** Returns null for a line that a kill cut off. */
function readLogLine(text: string): z.infer<typeof logLine> | null {
  try {
    return logLine.parse(JSON.parse(text))
  } catch {
    return null
  }
}
