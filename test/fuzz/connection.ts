/** A keep-alive connection that sends one request after another, like a proxy. */
import type { Socket } from 'node:net'
import { createResponseReader } from './responses.ts'
import { type Outcome, RESPONSE_TIMEOUT_MS, openConnection, outcomeOf } from './send-input.ts'
import type { RequestInput } from './input.ts'

export interface Connection {
  send(input: RequestInput): Promise<Outcome>
  close(): void
}

export function createConnection(port: number): Connection {
  let idle: Socket | null = null

  function sendOn(socket: Socket, { bytes, isHead }: RequestInput): Promise<Outcome> {
    return new Promise((resolve) => {
      const reader = createResponseReader({ isHead })
      const timeout = setTimeout(() => finish('timed out'), RESPONSE_TIMEOUT_MS)
      const since = performance.now()

      function finish(end: Outcome['end']): void {
        clearTimeout(timeout)
        socket.off('data', onData)
        socket.off('close', onClose)
        const last = reader.responses.at(-1)
        if (end === 'responded' && last?.closes === false && !socket.destroyed) idle = socket
        else socket.destroy()
        resolve(outcomeOf(reader.responses, end, performance.now() - since))
      }
      function onData(chunk: Buffer): void {
        reader.read(chunk)
        if (reader.responses.length > 0) finish('responded')
      }
      function onClose(): void {
        reader.end()
        finish(reader.responses.length > 0 ? 'responded' : 'closed')
      }
      socket.on('data', onData)
      socket.once('close', onClose)
      socket.write(bytes)
    })
  }

  return {
    async send(input) {
      const socket = idle
      idle = null
      if (socket !== null && !socket.destroyed) {
        const outcome = await sendOn(socket, input)
        // The server may close an idle connection just before it is reused: send again on a new one.
        if (outcome.end !== 'closed') return outcome
      }
      return sendOn(openConnection(port), input)
    },
    close() {
      idle?.destroy()
      idle = null
    },
  }
}
