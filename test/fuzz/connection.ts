/** A connection that is kept for one request after another, as a proxy keeps it. */
import type { Socket } from 'node:net'
import { createAnswerReader } from './responses.ts'
import { type Outcome, BACKOFF_MS, dial, outcomeOf } from './exchange.ts'
import type { AskInput } from './input.ts'

export interface Connection {
  ask(input: AskInput): Promise<Outcome>
  close(): void
}

export function createConnection(port: number): Connection {
  let kept: Socket | null = null

  function attempt(socket: Socket, { bytes, isHead }: AskInput): Promise<Outcome> {
    return new Promise((resolve) => {
      const reader = createAnswerReader({ isHead })
      const backoff = setTimeout(() => finish('silent'), BACKOFF_MS)
      const since = performance.now()

      function finish(end: Outcome['end']): void {
        clearTimeout(backoff)
        socket.off('data', read)
        socket.off('close', ended)
        const last = reader.answers.at(-1)
        if (end === 'answered' && last?.closes === false && !socket.destroyed) kept = socket
        else socket.destroy()
        resolve(outcomeOf(reader.answers, end, performance.now() - since))
      }
      function read(chunk: Buffer): void {
        reader.read(chunk)
        if (reader.answers.length > 0) finish('answered')
      }
      function ended(): void {
        reader.end()
        finish(reader.answers.length > 0 ? 'answered' : 'closed')
      }
      socket.on('data', read)
      socket.once('close', ended)
      socket.write(bytes)
    })
  }

  return {
    async ask(input) {
      const socket = kept
      kept = null
      if (socket !== null && !socket.destroyed) {
        const outcome = await attempt(socket, input)
        // A kept connection may be closed just as it is used again: that says nothing.
        if (outcome.end !== 'closed') return outcome
      }
      return attempt(dial(port), input)
    },
    close() {
      kept?.destroy()
      kept = null
    },
  }
}
