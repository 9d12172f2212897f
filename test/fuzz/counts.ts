/** Counts what became of the inputs of one family. */
import type { Outcome } from './exchange.ts'
import { type StatusClass, classOf, statusClasses } from './check-response.ts'

export interface Tally {
  readonly inputs: number
  readonly classes: Readonly<Record<StatusClass, number>>
  readonly p99Ms: number
  readonly slowestMs: number
}

export interface Counter {
  count(outcome: Outcome): void
  tally(): Tally
}

export function createCounter(): Counter {
  const classes = { '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0, closed: 0, dropped: 0 }
  const times: number[] = []
  return {
    count(outcome) {
      classes[classOf(outcome)] += 1
      times.push(outcome.tookMs)
    },
    tally() {
      const sorted = times.toSorted((a, b) => a - b)
      return {
        inputs: sorted.length,
        classes: { ...classes },
        p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
        slowestMs: sorted.at(-1) ?? 0,
      }
    },
  }
}

/** All together; of several p99s the largest. */
export function sumOf(tallies: readonly Tally[]): Tally {
  const classes = { '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0, closed: 0, dropped: 0 }
  for (const tally of tallies) {
    for (const name of statusClasses) classes[name] += tally.classes[name]
  }
  return {
    inputs: tallies.reduce((sum, { inputs }) => sum + inputs, 0),
    classes,
    p99Ms: Math.max(...tallies.map(({ p99Ms }) => p99Ms)),
    slowestMs: Math.max(...tallies.map(({ slowestMs }) => slowestMs)),
  }
}
