/** Starts an emulator process and records its errors, its exit and its memory. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { buildGateway } from '../chaos/gateway-process.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const START_TIMEOUT_MS = 20_000
const STATE_TIMEOUT_MS = 60_000

const messageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('error'), error: z.string() }),
  z.object({
    kind: z.literal('ready'),
    url: z.string(),
    apiBaseUrl: z.string(),
    accountId: z.string(),
    token: z.string(),
  }),
  z.object({
    kind: z.literal('state'),
    heapUsed: z.number(),
    external: z.number(),
    rss: z.number(),
  }),
])
type Message = z.infer<typeof messageSchema>

/** Bytes after full garbage collections. */
export type EmulatorMemory = Omit<Extract<Message, { kind: 'state' }>, 'kind'>

export interface EmulatorProcess extends Omit<Extract<Message, { kind: 'ready' }>, 'kind'> {
  /** Errors that the emulator reported, output on standard error, and an unexpected exit. */
  readonly failures: readonly string[]
  isRunning(): boolean
  memory(): Promise<EmulatorMemory>
  end(): Promise<void>
}

export async function startEmulatorProcess(): Promise<EmulatorProcess> {
  await buildGateway()
  const failures: string[] = []
  const child: ChildProcess = spawn(
    process.execPath,
    ['--expose-gc', 'test/fuzz/instrumented-emulator.mjs'],
    { cwd: root, env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] },
  )
  const isRunning = () => child.exitCode === null && child.signalCode === null
  let isStopped = false
  child.once('exit', (code, signal) => {
    if (!isStopped) failures.push(`The emulator exited: ${signal ?? `exit ${code}`}.`)
  })
  // The emulator must not outlive the test process.
  process.once('exit', () => child.kill('SIGKILL'))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    failures.push(`Standard error: ${text.trim().slice(0, 1000)}`)
  })
  child.on('message', (value) => {
    const message = messageSchema.parse(value)
    if (message.kind === 'error') failures.push(`Reported: ${message.error.slice(0, 1000)}`)
  })

  async function next<Kind extends Message['kind']>(kind: Kind, withinMs: number) {
    const signal = AbortSignal.timeout(withinMs)
    for (;;) {
      const values: unknown[] = await once(child, 'message', { signal })
      const message = messageSchema.parse(values[0])
      if (isKind(message, kind)) return message
    }
  }

  const ready = await next('ready', START_TIMEOUT_MS)
  return {
    ...ready,
    failures,
    isRunning,
    async memory() {
      if (!isRunning()) throw new Error(`The emulator has exited: ${failures.join('\n')}`)
      const state = next('state', STATE_TIMEOUT_MS)
      child.send('measure')
      return state
    },
    async end() {
      isStopped = true
      if (!isRunning()) return
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    },
  }
}

function isKind<Kind extends Message['kind']>(
  message: Message,
  kind: Kind,
): message is Extract<Message, { kind: Kind }> {
  return message.kind === kind
}
