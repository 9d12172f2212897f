/** This side of the load generator: starts it, and hands it one piece of work at a time. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { z } from 'zod'
import { LOAD_CORE, onCore } from '../cores.ts'
import { ownProgram } from '../paths.ts'
import {
  type Change,
  type ClosedLoop,
  type Dispersed,
  type Measured,
  type OpenLoop,
  type SendFile,
  type Subscribe,
  type Work,
  dispersed,
  done,
  heard,
  measured,
  reply,
  sent,
} from './work.ts'

type Order<T> = Omit<T, 'kind'>

/** Each rejects with a sentence where the work could not be done. */
export interface LoadGenerator {
  closedLoop(order: Order<ClosedLoop>): Promise<Measured>
  openLoop(order: Order<OpenLoop>): Promise<Measured>
  subscribe(order: Order<Subscribe>): Promise<void>
  change(order: Order<Change>): Promise<z.infer<typeof heard>>
  churn(group: string, perSecond: number): Promise<void>
  disperse(group: string): Promise<Dispersed>
  sendFile(order: Order<SendFile>): Promise<z.infer<typeof sent>>
  end(): void
}

export function startLoadGenerator(): LoadGenerator {
  const [command = '', ...given] = onCore(LOAD_CORE, process.execPath, [
    ownProgram('load/generator'),
  ])
  const child = spawn(command, given, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Bytes travel as bytes.
    serialization: 'advanced',
  })

  const died = once(child, 'exit').then(() => {
    throw new Error('The load generator has ended.')
  })
  // It ends after the last piece of work, too.
  died.catch(() => {})

  async function perform<T extends z.ZodType>(work: Work, shape: T): Promise<z.infer<T>> {
    const heardBack = once(child, 'message')
    child.send(work)
    const [message]: unknown[] = await Promise.race([heardBack, died])
    const answer = reply.parse(message)
    if ('failure' in answer) throw new Error(answer.failure)
    return shape.parse(answer.result)
  }

  return {
    closedLoop: (order) => perform({ kind: 'closed-loop', ...order }, measured),
    openLoop: (order) => perform({ kind: 'open-loop', ...order }, measured),
    sendFile: (order) => perform({ kind: 'send-file', ...order }, sent),
    change: (order) => perform({ kind: 'change', ...order }, heard),
    async subscribe(order) {
      await perform({ kind: 'subscribe', ...order }, done)
    },
    async churn(group, perSecond) {
      await perform({ kind: 'churn', crowd: group, perSecond }, done)
    },
    disperse: (group) => perform({ kind: 'disperse', crowd: group }, dispersed),
    end: () => void child.kill(),
  }
}
