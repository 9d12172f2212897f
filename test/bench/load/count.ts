/** Counts what comes of requests while a window is open. */
import { cpuMicroseconds } from '../cpu.ts'
import type { Arrival } from './connection.ts'
import { type Latencies, createLatencies } from './latencies.ts'
import type { Measured, Spread } from './work.ts'

export interface Count {
  /** From now on things count. */
  begin(): void
  /** An answer, and the milliseconds since its request was due. */
  add(arrival: Arrival, ms: number): void
  lose(reason: string): void
  /** From now on nothing counts any more. */
  finish(): void
  result(): Measured
}

/** @param pid of the server */
export function createCount(pid: number): Count {
  const accepted = createLatencies()
  const refused = createLatencies()
  let wrong = 0
  let firstWrong: string | null = null
  let isOpen = false
  let start = snapshot(pid)
  let stop = start

  function noteWrong(words: string): void {
    // Whatever goes wrong is told, also while the server warms up.
    wrong += 1
    firstWrong ??= words
  }

  return {
    begin() {
      start = snapshot(pid)
      isOpen = true
    },
    add(arrival, ms) {
      if (arrival.status === 200 && arrival.hasMarker) {
        if (isOpen) accepted.record(ms)
      } else if (arrival.status === 503 && arrival.hasRetryAfter) {
        if (isOpen) refused.record(ms)
      } else {
        noteWrong(`an answer ${arrival.status}${arrival.hasMarker ? '' : ' without its words'}`)
      }
    },
    lose: (reason) => noteWrong(`a lost connection (${reason})`),
    finish() {
      isOpen = false
      stop = snapshot(pid)
    },
    result() {
      const seconds = (stop.at - start.at) / 1000
      const answers = accepted.count() + refused.count()
      const spent =
        start.serverCpu === null || stop.serverCpu === null || answers === 0
          ? null
          : (stop.serverCpu - start.serverCpu) / answers
      return {
        seconds,
        accepted: spreadOf(accepted),
        refused: spreadOf(refused),
        wrong,
        firstWrong,
        rate: accepted.count() / seconds,
        serverCpu: spent,
        busy: (stop.ownCpu - start.ownCpu) / 1e6 / seconds,
      }
    },
  }
}

function spreadOf(latencies: Latencies): Spread {
  return {
    count: latencies.count(),
    p50: latencies.within(0.5),
    p99: latencies.within(0.99),
    longest: latencies.longest(),
  }
}

function snapshot(pid: number) {
  const { user, system } = process.cpuUsage()
  return { at: performance.now(), serverCpu: cpuMicroseconds(pid), ownCpu: user + system }
}
