/** Counts the outcomes of one family of inputs. */
import type { Outcome } from './send-input.ts'
import { type StatusClass, classOf, statusClasses } from './check-response.ts'

export interface Totals {
  readonly inputs: number
  readonly classes: Readonly<Record<StatusClass, number>>
  readonly p99Ms: number
  readonly slowestMs: number
}

export interface Counter {
  count(outcome: Outcome): void
  totals(): Totals
}

export function createCounter(): Counter {
  const classes = { '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0, closed: 0, dropped: 0 }
  const times: number[] = []
  return {
    count(outcome) {
      classes[classOf(outcome)] += 1
      times.push(outcome.durationMs)
    },
    totals() {
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

/** Adds totals; `p99Ms` is the maximum of the families. */
export function sumOf(totalsByFamily: readonly Totals[]): Totals {
  const classes = { '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0, closed: 0, dropped: 0 }
  for (const totals of totalsByFamily) {
    for (const name of statusClasses) classes[name] += totals.classes[name]
  }
  return {
    inputs: totalsByFamily.reduce((sum, { inputs }) => sum + inputs, 0),
    classes,
    p99Ms: Math.max(...totalsByFamily.map(({ p99Ms }) => p99Ms)),
    slowestMs: Math.max(...totalsByFamily.map(({ slowestMs }) => slowestMs)),
  }
}
