/** Starts the load generator process and sends it one work message at a time. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { z } from 'zod'
import { LOAD_CORE, onCore } from '../cores.ts'
import { ownProgram } from '../paths.ts'
import {
  type Change,
  type ClosedLoop,
  type UnsubscribeResult,
  type Measured,
  type OpenLoop,
  type SendFile,
  type Subscribe,
  type Work,
  unsubscribeResult,
  changeResult,
  countResult,
  measured,
  reply,
  sendFileResult,
} from './work.ts'

type Params<T> = Omit<T, 'kind'>

/** Each method rejects with an error message when the work fails. */
export interface LoadGenerator {
  closedLoop(params: Params<ClosedLoop>): Promise<Measured>
  openLoop(params: Params<OpenLoop>): Promise<Measured>
  subscribe(params: Params<Subscribe>): Promise<void>
  change(params: Params<Change>): Promise<z.infer<typeof changeResult>>
  churn(group: string, perSecond: number): Promise<void>
  unsubscribe(group: string): Promise<UnsubscribeResult>
  sendFile(params: Params<SendFile>): Promise<z.infer<typeof sendFileResult>>
  end(): void
}

export function startLoadGenerator(): LoadGenerator {
  const [command = '', ...args] = onCore(LOAD_CORE, process.execPath, [
    ownProgram('load/generator'),
  ])
  const child = spawn(command, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Transfers byte arrays without JSON.
    serialization: 'advanced',
  })

  const exited = once(child, 'exit').then(() => {
    throw new Error('The load generator exited.')
  })
  // The regular exit rejects this promise too.
  exited.catch(() => {})

  async function perform<T extends z.ZodType>(work: Work, schema: T): Promise<z.infer<T>> {
    const received = once(child, 'message')
    child.send(work)
    const [message]: unknown[] = await Promise.race([received, exited])
    const response = reply.parse(message)
    if ('failure' in response) throw new Error(response.failure)
    return schema.parse(response.result)
  }

  return {
    closedLoop: (params) => perform({ kind: 'closed-loop', ...params }, measured),
    openLoop: (params) => perform({ kind: 'open-loop', ...params }, measured),
    sendFile: (params) => perform({ kind: 'send-file', ...params }, sendFileResult),
    change: (params) => perform({ kind: 'change', ...params }, changeResult),
    async subscribe(params) {
      await perform({ kind: 'subscribe', ...params }, countResult)
    },
    async churn(group, perSecond) {
      await perform({ kind: 'churn', group, perSecond }, countResult)
    },
    unsubscribe: (group) => perform({ kind: 'unsubscribe', group }, unsubscribeResult),
    end: () => void child.kill(),
  }
}
