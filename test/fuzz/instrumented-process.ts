/** Starts a gateway process and records its log, its exit and its memory. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const root = fileURLToPath(new URL('../..', import.meta.url))
const START_TIMEOUT_MS = 20_000
/** Timeout of a measurement; running operations may delay it. */
const MEASURE_TIMEOUT_MS = 60_000
/** Minimum pino level of a line that counts as a failure of the gateway. */
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
 * Memory in bytes after garbage collection; the longest block of the event loop since the previous
 * measurement; CPU seconds since the start.
 */
export type ProcessState = Omit<z.infer<typeof stateSchema>, 'kind'>

export interface InstrumentedProcess extends Omit<z.infer<typeof readySchema>, 'kind'> {
  /** Times of the log lines about created uploads, in milliseconds since 1970. */
  readonly createdTimes: readonly number[]
  /** Number of log lines by message. */
  readonly messages: ReadonlyMap<string, number>
  /** Errors in the log, output on standard error, leaked secrets and an unexpected exit. */
  readonly failures: readonly string[]
  /** Adds tokens or secrets that must not occur in the log. */
  forbidInLog(values: readonly string[]): void
  state(): Promise<ProcessState>
  /** Whether the process is still running. */
  isRunning(): boolean
  end(): Promise<void>
}

/** Starts the built gateway with only these environment variables. */
export async function startInstrumentedProcess(
  variables: Readonly<Record<string, string>>,
): Promise<InstrumentedProcess> {
  const createdTimes: number[] = []
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
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null
  let isStopped = false
  child.once('exit', (code, signal) => {
    if (!isStopped) failures.push(`The gateway exited: ${signal ?? `exit ${code}`}.`)
  })
  // The gateway must not outlive the test process.
  process.once('exit', () => child.kill('SIGKILL'))
  if (child.stdout !== null) createInterface(child.stdout).on('line', readLine)
  child.stderr?.setEncoding('utf8').on('data', (output: string) => {
    const [first = ''] = output.trim().split('\n', 1)
    failures.push(`Standard error: ${first.slice(0, 300)}`)
  })

  function readLine(text: string): void {
    const leaked = secrets.find((secret) => text.includes(secret))
    if (leaked !== undefined) failures.push(`Secret in the log: ${text.slice(0, 300)}`)
    const line = readLogLine(text)
    if (line === null) {
      failures.push(`Invalid log line: ${text.slice(0, 300)}`)
      return
    }
    messages.set(line.msg, (messages.get(line.msg) ?? 0) + 1)
    if (line.msg === 'upload minted') createdTimes.push(line.time)
    if (line.level >= ERROR_LEVEL || line.msg.includes('unexpected error')) {
      failures.push(`Logged: ${text.slice(0, 900)}`)
    }
  }

  async function nextMessage<T extends z.ZodType>(
    schema: T,
    withinMs: number,
  ): Promise<z.infer<T>> {
    const signal = AbortSignal.timeout(withinMs)
    const values: unknown[] = await once(child, 'message', { signal })
    return schema.parse(values[0])
  }

  const ready = await nextMessage(readySchema, START_TIMEOUT_MS).catch((error: unknown) => {
    child.kill('SIGKILL')
    throw new Error(`The gateway did not start: ${failures.join('\n')}`, { cause: error })
  })
  return {
    ...ready,
    createdTimes,
    messages,
    failures,
    forbidInLog: (values) => void secrets.push(...values),
    async state() {
      if (!isRunning()) throw new Error(`The gateway has exited: ${failures.join('\n')}`)
      const state = nextMessage(stateSchema, MEASURE_TIMEOUT_MS)
      child.send('measure')
      return state
    },
    isRunning,
    async end() {
      isStopped = true
      if (!isRunning()) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
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
