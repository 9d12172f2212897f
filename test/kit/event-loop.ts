/** An event loop that a test turns by hand: requests arrive, cost time, and pauses happen. */
import { type Load, createLoadShedder } from '../../src/node/server/load-shedder.ts'

/** Milliseconds of everything. */
export interface Traffic {
  /** When requests arrive, in order. */
  readonly arrivals: readonly number[]
  /** What reading one costs. */
  readonly readMs: number
  /** What one costs that is taken on. */
  readonly costMs: number
  /** What one costs that is refused. */
  readonly refusalMs: number
  /** When nothing runs, and for how long, in order: garbage is collected, or one answer is large. */
  readonly pauses?: readonly { readonly at: number; readonly ms: number }[]
}

/** What became of one request. */
export interface Served {
  readonly arrivedAt: number
  readonly outcome: 'accepted' | 'refused'
  /** From its arrival until it was answered, in milliseconds. */
  readonly waitedMs: number
}

/** Turns until everything is answered and the loop sleeps. */
export function turnLoop({ arrivals, readMs, costMs, refusalMs, pauses = [] }: Traffic): {
  readonly served: readonly Served[]
  readonly load: Load
  /** How often the loop was kept awake. */
  readonly wakings: number
} {
  let now = 0
  let wakings = 0
  let due: (() => void)[] = []
  const shedding = createLoadShedder<number>({
    now: () => now,
    later(run) {
      wakings += 1
      due.push(run)
    },
    maxInFlight: Infinity,
    inFlight: () => 0,
    serve: (arrivedAt) => answer(arrivedAt, 'accepted'),
    reject: (arrivedAt) => answer(arrivedAt, 'refused'),
  })
  const served: Served[] = []
  const pausesAhead = [...pauses]
  /** Of `arrivals`, how many were read. */
  let read = 0

  function spend(ms: number): void {
    now += ms
    for (let next = pausesAhead[0]; next !== undefined && next.at <= now; next = pausesAhead[0]) {
      now += next.ms
      pausesAhead.shift()
    }
  }

  function answer(arrivedAt: number, outcome: Served['outcome']): void {
    spend(outcome === 'accepted' ? costMs : refusalMs)
    served.push({ arrivedAt, outcome, waitedMs: now - arrivedAt })
  }

  while (read < arrivals.length || due.length > 0) {
    const next = arrivals[read]
    if (due.length === 0 && next !== undefined) spend(Math.max(0, next - now))
    // What arrives while these are read is for the next turn.
    const polledAt = now
    for (let at = arrivals[read]; at !== undefined && at <= polledAt; at = arrivals[read]) {
      read += 1
      spend(readMs)
      shedding.admit(at)
    }
    const callbacks = due
    due = []
    for (const run of callbacks) run()
  }
  return { served, load: shedding.load(), wakings }
}

/** So many a second for so long, evenly. */
export function evenly(perSecond: number, from: number, to: number): readonly number[] {
  const count = Math.floor(((to - from) * perSecond) / 1000)
  return Array.from({ length: count }, (_, index) => from + (index * 1000) / perSecond)
}
