/** A simulated event loop: requests arrive, cost time, and pauses occur. */
import { createScheduling } from '../../src/node/server/accept-priority.ts'
import { type Load, createLoadShedder } from '../../src/node/server/load-shedder.ts'

/** All values in milliseconds. */
export interface Traffic {
  /** Arrival times of requests, in order. */
  readonly arrivals: readonly number[]
  /** Cost of reading one request. */
  readonly readMs: number
  /** Cost of one accepted request, or of the request that is accepted as number `index`. */
  readonly costMs: number | ((index: number) => number)
  /** Cost of one rejected request. */
  readonly rejectionMs: number
  /** Arrival times of new connections, in order. The loop accepts one per tick, as Node does. */
  readonly connections?: readonly number[]
  /** Cost of accepting one connection. @default 0 */
  readonly acceptMs?: number
  /** Whether each new connection brings a request, which is read in the tick after the connection was accepted. */
  readonly connectionsSend?: boolean
  /** Returns the client of the request that arrives at this time. @default one client */
  readonly clientOf?: (arrivedAt: number) => string
  /** Start and duration of pauses, in order, such as a garbage collection or a large response. */
  readonly pauses?: readonly { readonly at: number; readonly ms: number }[]
}

/** The result of one request. */
export interface SimulatedResponse {
  readonly arrivedAt: number
  readonly outcome: 'accepted' | 'rejected'
  /** From arrival to response, in milliseconds. */
  readonly waitedMs: number
}

/** Runs until every request has a response and the loop is idle. */
export function runEventLoop({
  arrivals,
  readMs,
  costMs,
  rejectionMs,
  connections = [],
  acceptMs = 0,
  connectionsSend = false,
  clientOf = () => 'client',
  pauses = [],
}: Traffic): {
  readonly served: readonly SimulatedResponse[]
  /** Times at which the connections were accepted. */
  readonly acceptedAt: readonly number[]
  readonly load: Load
  /** Number of scheduled callbacks. */
  readonly wakeUps: number
} {
  let now = 0
  let wakeUps = 0
  let due: (() => void)[] = []
  const scheduling = createScheduling({
    now: () => now,
    later(run) {
      wakeUps += 1
      due.push(run)
    },
  })
  const shedding = createLoadShedder<number>({
    ...scheduling,
    maxInFlight: Infinity,
    inFlight: () => 0,
    clientOf,
    serve: (arrivedAt) => respond(arrivedAt, 'accepted'),
    reject: (arrivedAt) => respond(arrivedAt, 'rejected'),
  })
  const served: SimulatedResponse[] = []
  const acceptedAt: number[] = []
  const pausesAhead = [...pauses]
  /** Number of arrivals that were read. */
  let read = 0

  function spend(ms: number): void {
    now += ms
    for (let next = pausesAhead[0]; next !== undefined && next.at <= now; next = pausesAhead[0]) {
      now += next.ms
      pausesAhead.shift()
    }
  }

  let accepted = 0

  function respond(arrivedAt: number, outcome: SimulatedResponse['outcome']): void {
    if (outcome === 'rejected') spend(rejectionMs)
    else spend(typeof costMs === 'number' ? costMs : costMs(accepted++))
    served.push({ arrivedAt, outcome, waitedMs: now - arrivedAt })
  }

  /** Arrival times of the connections whose request is read in the next tick. */
  let sent: number[] = []

  for (;;) {
    const nextAt = Math.min(arrivals[read] ?? Infinity, connections[acceptedAt.length] ?? Infinity)
    const isIdle = due.length === 0 && sent.length === 0
    if (isIdle && nextAt === Infinity) break
    if (isIdle) spend(Math.max(0, nextAt - now))
    // Requests that arrive while these are read belong to the next tick.
    const polledAt = now
    const readable = sent
    sent = []
    const connectedAt = connections[acceptedAt.length] ?? Infinity
    if (connectedAt <= polledAt) {
      spend(acceptMs)
      acceptedAt.push(now)
      scheduling.acceptPriority.connectionAccepted()
      if (connectionsSend) sent.push(connectedAt)
    }
    for (const at of readable) {
      spend(readMs)
      shedding.admit(at)
    }
    for (let at = arrivals[read]; at !== undefined && at <= polledAt; at = arrivals[read]) {
      read += 1
      spend(readMs)
      shedding.admit(at)
    }
    const callbacks = due
    due = []
    for (const run of callbacks) run()
  }
  return { served, acceptedAt, load: shedding.load(), wakeUps }
}

/** Arrival times at a constant rate. */
export function arrivalsAtRate(perSecond: number, from: number, to: number): readonly number[] {
  const count = Math.floor(((to - from) * perSecond) / 1000)
  return Array.from({ length: count }, (_, index) => from + (index * 1000) / perSecond)
}
