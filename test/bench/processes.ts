/** Starts servers as processes of their own, each pinned, and ends them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { SERVER_CORE, onCore } from './cores.ts'

const START_WITHIN_MS = 30_000
const END_WITHIN_MS = 15_000

/** A server that listens. */
export interface Server {
  readonly url: string
  readonly pid: number
  /** All that it has said on standard error. */
  said(): string
  /** How it ended before it was asked to; null while it runs. */
  death(): string | null
  /** SIGTERM, and SIGKILL where that does not end it. */
  end(): Promise<void>
}

export interface ServerOrder {
  /** What to run with Node. */
  readonly program: readonly string[]
  /** Its whole environment, PATH aside. */
  readonly variables: Readonly<Record<string, string>>
  /** Where its standard output goes. */
  readonly logFile: string
  /** Null for whichever is free. @default SERVER_CORE */
  readonly core?: number | null
}

/** Waits until it has said on standard error where it listens. */
export async function startServer(order: ServerOrder): Promise<Server> {
  const { program, variables, logFile, core = SERVER_CORE } = order
  const [command = '', ...given] = onCore(core, process.execPath, program)
  const child = spawn(command, given, {
    env: { PATH: process.env['PATH'], ...variables },
    stdio: ['ignore', openSync(logFile, 'a'), 'pipe'],
  })
  const kill = (): boolean => child.kill('SIGKILL')
  process.once('exit', kill)
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (words: string) => {
    said = `${said}${words}`.slice(-20_000)
  })
  const deadline = Date.now() + START_WITHIN_MS
  for (;;) {
    const [, url] = /(?:listens on|emulated, on) (http:\/\/\S+)/.exec(said) ?? []
    if (url !== undefined && child.pid !== undefined) {
      return {
        url,
        pid: child.pid,
        said: () => said,
        death: () =>
          hasEnded(child)
            ? `${program.at(-1)} ended by itself (${child.signalCode ?? child.exitCode}): ${said.slice(-500)}`
            : null,
        end: () => end(child).finally(() => process.off('exit', kill)),
      }
    }
    if (hasEnded(child) || Date.now() > deadline) {
      kill()
      throw new Error(`${program.join(' ')} did not start: ${said}`)
    }
    await pause(5)
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS)
  await gone
  clearTimeout(timer)
}
