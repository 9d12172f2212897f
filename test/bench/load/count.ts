/** Counts responses and CPU time during a measured window. */
import { cpuMicroseconds, treeMicroseconds, machineMicroseconds } from '../cpu.ts'
import type { Arrival } from './connection.ts'
import { type Latencies, createLatencies } from './latencies.ts'
import type { Measured, LatencySummary } from './work.ts'

export interface Count {
  /** Opens the window. */
  begin(): void
  /** Adds a response, with the milliseconds since its request was due. */
  add(arrival: Arrival, ms: number): void
  recordLostConnection(reason: string): void
  /** Closes the window. */
  finish(): void
  result(): Measured
}

/**
 * @param pid process id of the server
 * @param sharingCore process ids of programs whose CPU time counts as the generator's
 * @param processGroups process ids by group name, whose CPU time is reported per group
 */
export function createCount(
  pid: number,
  sharingCore: readonly number[] = [],
  processGroups: Readonly<Record<string, readonly number[]>> = {},
): Count {
  const takeSnapshot = (): Snapshot => snapshot(pid, sharingCore, processGroups)
  const accepted = createLatencies()
  const rejected = createLatencies()
  let succeeded = 0
  let wrong = 0
  let firstWrong: string | null = null
  let isOpen = false
  let start = takeSnapshot()
  let stop = start

  function recordFailure(description: string): void {
    // Errors during the warm-up count too.
    wrong += 1
    firstWrong ??= description
  }

  return {
    begin() {
      start = takeSnapshot()
      isOpen = true
    },
    add(arrival, ms) {
      if (arrival.status === 200 && arrival.hasMarker) {
        succeeded += 1
        if (isOpen) accepted.record(ms)
      } else if (arrival.status === 503 && arrival.hasRetryAfter) {
        if (isOpen) rejected.record(ms)
      } else {
        recordFailure(
          `a response with status ${arrival.status}${arrival.hasMarker ? '' : ' without the expected text'}`,
        )
      }
    },
    recordLostConnection: (reason) => recordFailure(`a lost connection (${reason})`),
    finish() {
      isOpen = false
      stop = takeSnapshot()
    },
    result() {
      const seconds = (stop.at - start.at) / 1000
      const responses = accepted.count() + rejected.count()
      const perResponse = (before: number | null, after: number | null): number | null =>
        before === null || after === null || responses === 0 ? null : (after - before) / responses
      return {
        seconds,
        succeeded,
        accepted: summarize(accepted),
        rejected: summarize(rejected),
        wrong,
        firstWrong,
        rate: accepted.count() / seconds,
        serverCpu: perResponse(start.serverCpu, stop.serverCpu),
        processCpu: Object.fromEntries(
          [...stop.processGroups].map(([name, after]) => [
            name,
            perResponse(start.processGroups.get(name) ?? null, after),
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

function summarize(latencies: Latencies): LatencySummary {
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
  sharingCore: readonly number[],
  processGroups: Readonly<Record<string, readonly number[]>>,
) {
  const { user, system } = process.cpuUsage()
  const ownCpu = sharingCore.reduce(
    (sum, other) => sum + (cpuMicroseconds(other) ?? 0),
    user + system,
  )
  return {
    at: performance.now(),
    serverCpu: cpuMicroseconds(pid),
    processGroups: new Map(
      Object.entries(processGroups).map(([name, pids]) => [name, sumOf(pids)]),
    ),
    ownCpu,
    machine: machineMicroseconds(),
  }
}

/** Null when one of the CPU times is unknown. */
function sumOf(pids: readonly number[]): number | null {
  const times = pids.map(treeMicroseconds)
  const known = times.filter((time) => time !== null)
  return known.length < times.length ? null : known.reduce((sum, time) => sum + time, 0)
}
