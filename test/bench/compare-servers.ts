/** Starts the compared servers together, measures them one at a time, ends them together. */
import type { Server } from './processes.ts'
import type { Setup } from './setup.ts'

/** A running server that is measured; results are found by its name. */
export interface Contestant {
  readonly name: string
  readonly server: Server
}

/** A server that is not started yet. */
export interface Entrant {
  readonly name: string
  readonly start: () => Promise<Server>
}

/** Starts a server, runs `work`, and ends the server even when `work` fails. */
export async function withServer<T>(
  start: () => Promise<Server>,
  work: (server: Server) => Promise<T>,
): Promise<T> {
  return withContestants([{ name: '', start }], ([only]) => {
    if (only === undefined) throw new Error('No server was started.')
    return work(only.server)
  })
}

/** Starts several servers, runs `work`, and ends all servers even when `work` fails. */
export async function withContestants<T>(
  entrants: readonly Entrant[],
  work: (contestants: readonly Contestant[]) => Promise<T>,
): Promise<T> {
  const contestants: Contestant[] = []
  try {
    for (const { name, start } of entrants) contestants.push({ name, server: await start() })
    return await work(contestants)
  } catch (error) {
    // The exit of a server explains why the work failed.
    const failures = contestants
      .map(({ server }) => server.failure())
      .filter((each) => each !== null)
    throw failures.length === 0 ? error : new Error(failures.join(' '), { cause: error })
  } finally {
    await Promise.all(contestants.map(({ server }) => server.end()))
  }
}

/**
 * Measures each server once per round; every second round is in reverse order.
 * @returns the results of the server with this name, by round
 */
export async function measureRounds<T>(
  { rounds, firstWarmUpMs, warmUpMs, log }: Setup,
  contestants: readonly Contestant[],
  measure: (contestant: Contestant, warmUpMs: number, round: number) => Promise<T>,
): Promise<(name: string) => readonly T[]> {
  const results = new Map<string, T[]>(contestants.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? contestants : contestants.toReversed()
    for (const contestant of order) {
      log(`round ${round + 1} of ${rounds}: ${contestant.name}`)
      const result = await measure(contestant, round === 0 ? firstWarmUpMs : warmUpMs, round)
      results.get(contestant.name)?.push(result)
    }
  }
  return (name) => results.get(name) ?? []
}
