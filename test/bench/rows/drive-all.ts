/** The same requests for everybody, from so many connections that each ask again when answered. */
import { type Contestant, inTurn } from '../compare-servers.ts'
import { type Entry, type Target, judge, rateOf } from '../entry.ts'
import type { Shot } from '../load/connection.ts'
import { targetOf } from '../load/requests.ts'
import type { Measured, Source } from '../load/work.ts'
import { monotonicMicroseconds } from '../profile.ts'
import type { Setup } from '../setup.ts'

/** As many as a busy frontend's servers keep open. */
export const CONNECTIONS = 50

/** What was measured, by the name of the contestant. */
export type Results = (name: string) => readonly Measured[]

/**
 * @param sourceOf what one is asked in a round; a list is the same in all of them
 * @param beside processes that share the load generator's core
 */
export function driveAll(
  setup: Setup,
  contestants: readonly Contestant[],
  sourceOf: readonly Shot[] | ((round: number, name: string) => Source),
  beside: readonly number[] = [],
): Promise<Results> {
  return inTurn(setup, contestants, async ({ name, server }, warmUpMs, round) => {
    const measured = await setup.load.closedLoop({
      target: targetOf(server.url),
      source:
        typeof sourceOf === 'function' ? sourceOf(round, name) : { kind: 'list', shots: sourceOf },
      connections: CONNECTIONS,
      pid: server.pid,
      beside,
      warmUpMs,
      windowMs: setup.windowMs,
    })
    const until = monotonicMicroseconds()
    const from = until - setup.windowMs * 1000
    setup.profiler?.note(name, { from, until, answers: measured.accepted.count })
    return measured
  })
}

/** Our rate beside a peer's. */
export function compareRates(
  results: Results,
  row: string,
  peer: { readonly name: string; readonly title: string },
  target: Target | null,
  problems: readonly string[] = [],
): Entry {
  const [ours, theirs] = [results('headgate'), results(peer.name)]
  return judge({
    row,
    unit: 'req/s',
    ours: ours.map(rateOf),
    peer: { name: peer.title, rounds: theirs.map(rateOf) },
    target,
    isRatio: true,
    problems,
  })
}
