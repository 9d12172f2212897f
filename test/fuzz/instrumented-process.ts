/** A gateway process of which everything is written down: its log, its death, its memory. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const root = fileURLToPath(new URL('../..', import.meta.url))
const START_WITHIN_MS = 20_000
/** Whatever is still under way when it is asked comes first. */
const TELL_WITHIN_MS = 60_000
/** Levels of pino from which a line tells of a failure of the gateway itself. */
const ERROR_LEVEL = 50

const readySchema = z.object({
  kind: z.literal('ready'),
  url: z.string(),
  emulatorUrl: z.string(),
  apiBaseUrl: z.string(),
  apiToken: z.string(),
})
const stateSchema = z.object({
  kind: z.literal('state'),
  heapUsed: z.number(),
  external: z.number(),
  rss: z.number(),
  longestBusyMs: z.number(),
  cpuSeconds: z.number(),
})
const logLine = z.object({ level: z.number(), time: z.number(), msg: z.string() })

/**
 * Bytes, after everything was collected that can be; the longest that it was busy with one thing
 * since it was asked before; seconds of a processor since it started.
 */
export type ProcessState = Omit<z.infer<typeof stateSchema>, 'kind'>

export interface WatchedProcess extends Omit<z.infer<typeof readySchema>, 'kind'> {
  /** When each upload was minted, in milliseconds, as its log says. */
  readonly mintedAt: readonly number[]
  /** How often each message was logged. */
  readonly messages: ReadonlyMap<string, number>
  /** Lines of its log, words on standard error and deaths that should not be. */
  readonly failures: readonly string[]
  /** Words that no line of the log may hold: tokens, secrets. */
  keepSecret(words: readonly string[]): void
  state(): Promise<ProcessState>
  /** True while the process that was started is the one that runs. */
  lives(): boolean
  end(): Promise<void>
}

/** Starts what was built, with these variables and no others. */
export async function startWatchedProcess(
  variables: Readonly<Record<string, string>>,
): Promise<WatchedProcess> {
  const mintedAt: number[] = []
  const messages = new Map<string, number>()
  const failures: string[] = []
  const secrets: string[] = []
  const child: ChildProcess = spawn(
    process.execPath,
    ['--expose-gc', 'test/fuzz/instrumented-gateway.mjs'],
    {
      cwd: root,
      env: { PATH: process.env['PATH'], ...variables },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  )
  const lives = (): boolean => child.exitCode === null && child.signalCode === null
  let isEnded = false
  child.once('exit', (code, signal) => {
    if (!isEnded) failures.push(`The gateway died: ${signal ?? `exit ${code}`}.`)
  })
  // Whatever ends the test ends its gateway.
  process.once('exit', () => child.kill('SIGKILL'))
  if (child.stdout !== null) createInterface(child.stdout).on('line', readLine)
  child.stderr?.setEncoding('utf8').on('data', (words: string) => {
    const [first = ''] = words.trim().split('\n', 1)
    failures.push(`Standard error: ${first.slice(0, 300)}`)
  })

  function readLine(text: string): void {
    const leaked = secrets.find((secret) => text.includes(secret))
    if (leaked !== undefined) failures.push(`A secret is in the log: ${text.slice(0, 300)}`)
    const line = readLogLine(text)
    if (line === null) {
      failures.push(`The log has a line that is none: ${text.slice(0, 300)}`)
      return
    }
    messages.set(line.msg, (messages.get(line.msg) ?? 0) + 1)
    if (line.msg === 'upload minted') mintedAt.push(line.time)
    if (line.level >= ERROR_LEVEL || line.msg.includes('unexpected error')) {
      failures.push(`Logged: ${text.slice(0, 900)}`)
    }
  }

  async function hear<T extends z.ZodType>(schema: T, withinMs: number): Promise<z.infer<T>> {
    const signal = AbortSignal.timeout(withinMs)
    const heard: unknown[] = await once(child, 'message', { signal })
    return schema.parse(heard[0])
  }

  const ready = await hear(readySchema, START_WITHIN_MS).catch((error: unknown) => {
    child.kill('SIGKILL')
    throw new Error(`The gateway did not start: ${failures.join('\n')}`, { cause: error })
  })
  return {
    ...ready,
    mintedAt,
    messages,
    failures,
    keepSecret: (words) => void secrets.push(...words),
    async state() {
      if (!lives()) throw new Error(`The gateway is dead: ${failures.join('\n')}`)
      const told = hear(stateSchema, TELL_WITHIN_MS)
      child.send('measure')
      return told
    },
    lives,
    async end() {
      isEnded = true
      if (!lives()) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

function readLogLine(text: string): z.infer<typeof logLine> | null {
  try {
    return logLine.parse(JSON.parse(text))
  } catch {
    return null
  }
}
