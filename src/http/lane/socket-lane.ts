/**
 * The fast lane for sockets: subscriptions that were carried out before are taken here, in front of
 * graphql-ws, and share their audiences with those that came by HTTP. Everything else is left to it.
 * https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
import type { Viewer } from '../../uploads/viewer.ts'
import { askedIn } from './asked.ts'
import { type Frame, type Subscriber, createSubscriber } from './frame.ts'
import type { Lane } from './lane.ts'

/** One socket, as its host carries it. */
export interface Line {
  /** False where so much waits to be read that no more is to be sent until `goOn` is called. */
  send(message: string): boolean
  close(code: number, reason: string): void
}

/** Who sits at a socket that has said who it is. */
export interface Seat {
  readonly viewer: Viewer
  /** Whether graphql-ws has an operation with this id under way. */
  has(id: string): boolean
}

export interface SocketLane {
  /** False where the message is for graphql-ws. */
  receive(text: string): boolean
  /** There is room on the line again. */
  goOn(): void
  /** The socket is closed. */
  close(): void
}

/** "Subscriber for <unique-operation-id> already exists". */
const ALREADY_EXISTS = 4409

interface Watching {
  readonly subscriber: Subscriber
  /** Null until it is seated. */
  leave: (() => void) | null
}

/** @param pass hands a message to graphql-ws, after it was found that it is not for the lane */
export function createSocketLane(
  lane: Pick<Lane, 'watch'>,
  seat: () => Seat | null,
  line: Line,
  pass: (text: string) => void,
): SocketLane {
  const watching = new Map<string, Watching>()
  /** What the line said last. */
  let isFull = false

  function subscribe(id: string, payload: unknown, text: string): boolean {
    const seated = seat()
    if (watching.has(id)) {
      line.close(ALREADY_EXISTS, `Subscriber for ${id} already exists`)
      return true
    }
    const asked = askedIn(payload)
    if (seated === null || asked === null || seated.has(id)) return false
    const join = lane.watch(seated.viewer, asked)
    if (join === null) return false
    const head = `{"id":${JSON.stringify(id)},"type":`
    const subscriber = createSubscriber({
      // One line for all of them: where one has filled it, the others wait as well.
      hasRoom: () => !isFull,
      send(frame: Frame) {
        isFull = !line.send(`${head}"next","payload":${frame.text}}`)
      },
      end(ending) {
        if (watching.get(id) !== watch) return
        watching.delete(id)
        watch.leave?.()
        // Whoever is told that it is complete does not come back when the socket is closed.
        if (ending === 'complete') line.send(`${head}"complete"}`)
      },
    })
    const watch: Watching = { subscriber, leave: null }
    watching.set(id, watch)
    void seatThem(id, watch, join, text)
    return true
  }

  async function seatThem(
    id: string,
    watch: Watching,
    join: NonNullable<ReturnType<Lane['watch']>>,
    text: string,
  ): Promise<void> {
    const leave = await join(watch.subscriber)
    const isThere = watching.get(id) === watch
    if (leave !== null && isThere) watch.leave = leave
    else leave?.()
    if (leave !== null || !isThere) return
    watching.delete(id)
    pass(text)
  }

  return {
    receive(text) {
      const message = readMessage(text)
      if (message === null) return false
      if (message.type === 'subscribe') return subscribe(message.id, message.payload, text)
      const watched = watching.get(message.id)
      if (watched === undefined) return false
      watching.delete(message.id)
      watched.leave?.()
      return true
    },
    goOn() {
      isFull = false
      for (const [id, watch] of watching) {
        watch.subscriber.goOn()
        if (!isFull) continue
        // The next time it comes last, so that it does not have the line for itself.
        if (watching.delete(id)) watching.set(id, watch)
        return
      }
    },
    close() {
      for (const { leave } of watching.values()) leave?.()
      watching.clear()
    },
  }
}

interface Message {
  readonly type: 'subscribe' | 'complete'
  readonly id: string
  readonly payload: unknown
}

/** Null for what is none of the two, or not as it should be: graphql-ws knows what to say of it. */
function readMessage(text: string): Message | null {
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof message !== 'object' || message === null) return null
  if (!('type' in message) || !('id' in message)) return null
  const { type, id } = message
  if (typeof id !== 'string' || id === '') return null
  if (type !== 'subscribe' && type !== 'complete') return null
  return { type, id, payload: 'payload' in message ? message.payload : null }
}
