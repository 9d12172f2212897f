/** Counts what comes of requests while a window is open. */
import { cpuMicroseconds, familyMicroseconds, machineMicroseconds } from '../cpu.ts'
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

/**
 * @param pid of the server
 * @param beside programs that share the generator's core, whose time is the generator's too
 * @param dependencies programs whose time is told by itself, by what they are called
 */
export function createCount(
  pid: number,
  beside: readonly number[] = [],
  dependencies: Readonly<Record<string, readonly number[]>> = {},
): Count {
  const look = (): Snapshot => snapshot(pid, beside, dependencies)
  const accepted = createLatencies()
  const refused = createLatencies()
  let answered = 0
  let wrong = 0
  let firstWrong: string | null = null
  let isOpen = false
  let start = look()
  let stop = start

  function noteWrong(words: string): void {
    // Whatever goes wrong is told, also while the server warms up.
    wrong += 1
    firstWrong ??= words
  }

  return {
    begin() {
      start = look()
      isOpen = true
    },
    add(arrival, ms) {
      if (arrival.status === 200 && arrival.hasMarker) {
        answered += 1
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
      stop = look()
    },
    result() {
      const seconds = (stop.at - start.at) / 1000
      const answers = accepted.count() + refused.count()
      const forOne = (before: number | null, after: number | null): number | null =>
        before === null || after === null || answers === 0 ? null : (after - before) / answers
      return {
        seconds,
        answered,
        accepted: spreadOf(accepted),
        refused: spreadOf(refused),
        wrong,
        firstWrong,
        rate: accepted.count() / seconds,
        serverCpu: forOne(start.serverCpu, stop.serverCpu),
        partCpu: Object.fromEntries(
          [...stop.parts].map(([name, after]) => [
            name,
            forOne(start.parts.get(name) ?? null, after),
          ]),
        ),
        busy: (stop.ownCpu - start.ownCpu) / 1e6 / seconds,
        machineBusy:
          start.machine === null || stop.machine === null
            ? null
            : (stop.machine.busy - start.machine.busy) / (stop.machine.all - start.machine.all),
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

type Snapshot = ReturnType<typeof snapshot>

function snapshot(
  pid: number,
  beside: readonly number[],
  dependencies: Readonly<Record<string, readonly number[]>>,
) {
  const { user, system } = process.cpuUsage()
  const ownCpu = beside.reduce((sum, one) => sum + (cpuMicroseconds(one) ?? 0), user + system)
  return {
    at: performance.now(),
    serverCpu: cpuMicroseconds(pid),
    parts: new Map(Object.entries(dependencies).map(([name, pids]) => [name, sumOf(pids)])),
    ownCpu,
    machine: machineMicroseconds(),
  }
}

/** Null where one of them tells nothing. */
function sumOf(pids: readonly number[]): number | null {
  const spent = pids.map(familyMicroseconds)
  const known = spent.filter((one) => one !== null)
  return known.length < spent.length ? null : known.reduce((sum, one) => sum + one, 0)
}
