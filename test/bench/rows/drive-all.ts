/** Sends the same closed-loop load to every compared server. */
import { type Contestant, measureRounds } from '../compare-servers.ts'
import { type Entry, type Target, createEntry, rateOf } from '../entry.ts'
import type { PreparedRequest } from '../load/connection.ts'
import { targetOf } from '../load/requests.ts'
import type { Measured, Source } from '../load/work.ts'
import { monotonicMicroseconds } from '../profile.ts'
import type { Setup } from '../setup.ts'

/** A typical number of connections from a busy frontend. */
export const CONNECTIONS = 50

/** Measurements of the server with this name, by round. */
export type Results = (name: string) => readonly Measured[]

/**
 * @param sourceOf requests for a server in a round; a list is used for every server and round
 * @param sharingCore processes that share the load generator's core
 */
export function driveAll(
  setup: Setup,
  contestants: readonly Contestant[],
  sourceOf: readonly PreparedRequest[] | ((round: number, name: string) => Source),
  sharingCore: readonly number[] = [],
): Promise<Results> {
  return measureRounds(setup, contestants, async ({ name, server }, warmUpMs, round) => {
    const measured = await setup.load.closedLoop({
      target: targetOf(server.url),
      source:
        typeof sourceOf === 'function'
          ? sourceOf(round, name)
          : { kind: 'list', requests: sourceOf },
      connections: CONNECTIONS,
      pid: server.pid,
      sharingCore,
      warmUpMs,
      windowMs: setup.windowMs,
    })
    const until = monotonicMicroseconds()
    const from = until - setup.windowMs * 1000
    setup.profiler?.record(name, { from, until, responses: measured.accepted.count })
    return measured
  })
}

/** Compares the gateway's rate with a peer's. */
export function compareRates(
  results: Results,
  row: string,
  peer: { readonly name: string; readonly title: string },
  target: Target | null,
  problems: readonly string[] = [],
): Entry {
  const [gatewayResults, peerResults] = [results('headgate'), results(peer.name)]
  return createEntry({
    row,
    unit: 'req/s',
    rounds: gatewayResults.map(rateOf),
    peer: { name: peer.title, rounds: peerResults.map(rateOf) },
    target,
    isRatio: true,
    problems,
  })
}
