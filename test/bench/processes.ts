/** Starts servers as pinned child processes, and ends them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { SERVER_CORE, onCore } from './cores.ts'

const START_TIMEOUT_MS = 30_000
const END_TIMEOUT_MS = 15_000

/** A running server. */
export interface Server {
  readonly url: string
  readonly pid: number
  /** The last 20,000 characters of its standard error. */
  stderr(): string
  /** Message about an unexpected exit; null while it runs. */
  failure(): string | null
  /** Sends SIGTERM, and SIGKILL after a timeout. */
  end(): Promise<void>
}

export interface ServerOptions {
  /** Arguments of Node: flags, script and its arguments. */
  readonly program: readonly string[]
  /** The whole environment besides PATH. */
  readonly variables: Readonly<Record<string, string>>
  /** File to which standard output is appended. */
  readonly logFile: string
  /** Null for any core. @default SERVER_CORE */
  readonly core?: number | null
}

/** Starts a server and waits until it has printed its URL to standard error. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { program, variables, logFile, core = SERVER_CORE } = options
  const [command = '', ...args] = onCore(core, process.execPath, program)
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'], ...variables },
    stdio: ['ignore', openSync(logFile, 'a'), 'pipe'],
  })
  const kill = (): boolean => child.kill('SIGKILL')
  process.once('exit', kill)
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = `${stderr}${text}`.slice(-20_000)
  })
  const deadline = Date.now() + START_TIMEOUT_MS
  for (;;) {
    const [, url] = /(?:listens on|emulator on) (http:\/\/\S+)/.exec(stderr) ?? []
    if (url !== undefined && child.pid !== undefined) {
      return {
        url,
        pid: child.pid,
        stderr: () => stderr,
        failure: () =>
          hasEnded(child)
            ? `${program.at(-1)} exited unexpectedly (${child.signalCode ?? child.exitCode}): ${stderr.slice(-500)}`
            : null,
        end: () => end(child).finally(() => process.off('exit', kill)),
      }
    }
    if (hasEnded(child) || Date.now() > deadline) {
      kill()
      throw new Error(`${program.join(' ')} did not start: ${stderr}`)
    }
    await pause(5)
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), END_TIMEOUT_MS)
  await exited
  clearTimeout(timer)
}
