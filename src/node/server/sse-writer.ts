/** Sends events to one reader of a Node response: server-sent events, one buffer for all who read them. */
import type { ServerResponse } from 'node:http'
import { COME_BACK } from '../../http/graphql/sse-reconnect.ts'
import type { Frame, Outlet } from '../../http/graphql/fast-path/subscriptions/subscriber.ts'

/** Milliseconds between two comments that keep a quiet stream open through proxies. */
const PULSE_MS = 12_000

const PULSE = Buffer.from(':\n\n')
const COMPLETE = 'event: complete\ndata:\n\n'
const STOPPING = `${COME_BACK}${COMPLETE}`

/** The bytes of each event, for as long as somebody reads it. */
const bytes = new WeakMap<Frame, Buffer>()

/** https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md#distinct-connections-mode */
function bytesOf(frame: Frame): Buffer {
  const known = bytes.get(frame)
  if (known !== undefined) return known
  const made = Buffer.from(`event: next\ndata: ${frame.text}\n\n`)
  bytes.set(frame, made)
  return made
}

/** Calls back at each beat until what it returns is called. */
export type Pulse = (beat: () => void) => () => void

function byTimer(beat: () => void): () => void {
  const timer = setInterval(beat, PULSE_MS)
  return () => clearInterval(timer)
}

/** Streams that stand open, and one pulse for all of them. */
export interface EventStreams {
  /** `open` begins the answer, which sending does as well. */
  outlet(response: ServerResponse, headers: readonly string[]): Outlet & { open(): void }
}

/** @param pulse handed in, so that tests beat by hand */
export function createEventStreams(pulse: Pulse = byTimer): EventStreams {
  const open = new Set<ServerResponse>()
  let endPulse: (() => void) | null = null

  function beat(): void {
    // Who does not read what there is needs no sign of life.
    for (const response of open) if (!response.writableNeedDrain) response.write(PULSE)
  }

  function add(response: ServerResponse): void {
    open.add(response)
    endPulse ??= pulse(beat)
    response.once('close', () => remove(response))
  }

  function remove(response: ServerResponse): void {
    open.delete(response)
    if (open.size > 0) return
    endPulse?.()
    endPulse = null
  }

  return {
    outlet(response, headers) {
      function begin(): void {
        if (response.headersSent || response.destroyed) return
        response.writeHead(200, [...headers])
        // Some browsers show nothing of an answer before its first bytes.
        response.write(PULSE)
        add(response)
      }
      return {
        open: begin,
        hasRoom: () => !response.writableNeedDrain,
        send(frame) {
          begin()
          if (!response.destroyed) response.write(bytesOf(frame))
        },
        end(ending) {
          begin()
          // Behind another answer on its connection it closes much later, and takes nothing until then.
          remove(response)
          response.end(ending === 'stopping' ? STOPPING : COMPLETE)
        },
      }
    },
  }
}
