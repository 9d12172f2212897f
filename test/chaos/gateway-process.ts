/** The gateway as a process of its own, which can be killed at any moment and started again. */
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
const START_WITHIN_MS = 20_000
/** The same where the database may have to come back first, and the start be tried again. */
const START_AGAIN_WITHIN_MS = 60_000
/** Levels of pino from which a line tells of a failure of the gateway itself. */
const ERROR_LEVEL = 50
/** How a gateway says that it does not start because its database is away. */
const CANNOT_OPEN = 'Cannot open the database'

export interface GatewayProcess {
  readonly url: string
  /** How often each message was logged, over all its lives. */
  readonly messages: ReadonlyMap<string, number>
  /** Lines of the log, words on standard error and ends that nobody asked for: failures of its own. */
  readonly failures: readonly string[]
  /** References of the orphans that it says it deleted at Stream, over all its lives. */
  readonly orphans: readonly string[]
  readonly kills: () => number
  /** SIGKILL, and at once another one on the same port and file. Resolves when that one answers. */
  killAndStart(): Promise<void>
  /** Bytes of memory that are its own at this moment. */
  residentBytes(): Promise<number>
  /** For good. */
  end(): Promise<void>
}

export interface GatewayProcessOptions {
  readonly variables: Readonly<Record<string, string>>
  readonly port: number
  /** How many times as fast as the world its clock runs; 1 is `headgate serve` itself. */
  readonly pace: number
  /** When its clock began to run so fast, in milliseconds since 1970: the same for all of a deployment. */
  readonly since?: number
  /** Whether its database may be away: it says so in its log, and is started until it stands. */
  readonly forgivesAbsence?: boolean
}

let built: Promise<unknown> | null = null

/** Brings `dist` up to date, once. */
export function buildGateway(): Promise<unknown> {
  built ??= promisify(execFile)(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
    { cwd: root },
  )
  return built
}

/** A port that nobody listens on and that no outgoing connection is given while we restart. */
export async function quietPort(): Promise<number> {
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
  forgivesAbsence = false,
}: GatewayProcessOptions): Promise<GatewayProcess> {
  await buildGateway()
  const url = `http://127.0.0.1:${port}`
  const messages = new Map<string, number>()
  const failures: string[] = []
  const orphans: string[] = []
  let kills = 0
  /** Whether the present one has answered already. */
  let stands = false
  let child = spawnOne()

  function spawnOne(): ChildProcess {
    const script = pace === 1 ? ['dist/cli.js', 'serve'] : ['test/chaos/fast-clock-gateway.mjs']
    const started = spawn(process.execPath, script, {
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
    createInterface(started.stdout).on('line', readLine)
    started.stderr.setEncoding('utf8').on('data', (words: string) => {
      if (forgivesAbsence && words.includes(CANNOT_OPEN)) return
      if (/error|warning/i.test(words)) failures.push(words.trim().slice(0, 600))
    })
    started.once('exit', (code, signal) => {
      if (stands && signal !== 'SIGKILL') failures.push(`it ended by itself: ${signal ?? code}`)
    })
    return started
  }

  function readLine(text: string): void {
    const line = readLogLine(text)
    if (line === null) return
    messages.set(line.msg, (messages.get(line.msg) ?? 0) + 1)
    if (line.msg === 'orphan deleted at Stream') orphans.push(line.uploadId ?? 'without uploadId')
    if (forgivesAbsence && line.err?.type === 'StoreUnavailable') return
    if (line.level >= ERROR_LEVEL) failures.push(text.slice(0, 600))
  }

  async function untilItAnswers(): Promise<void> {
    const deadline = Date.now() + (forgivesAbsence ? START_AGAIN_WITHIN_MS : START_WITHIN_MS)
    while (Date.now() < deadline) {
      if (child.exitCode !== null) {
        if (!forgivesAbsence) break
        child = spawnOne()
      }
      const response = await fetch(`${url}/readyz`).catch(() => null)
      await response?.body?.cancel()
      if (response?.status === 200) {
        stands = true
        return
      }
      await pause(20)
    }
    throw new Error(`The gateway did not start: ${failures.join('\n')}`)
  }

  async function kill(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
    stands = false
  }

  // Whatever ends the test ends its gateway.
  process.once('exit', () => child.kill('SIGKILL'))
  try {
    await untilItAnswers()
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
      child = spawnOne()
      await untilItAnswers()
    },
    async residentBytes() {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
      const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? []
      return Number(kilobytes) * 1024
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

/** Null where the line was cut off by a kill. */
function readLogLine(text: string): z.infer<typeof logLine> | null {
  try {
    return logLine.parse(JSON.parse(text))
  } catch {
    return null
  }
}
