/** Servers side by side: started together, measured in turn, ended together. */
import type { Server } from './processes.ts'
import type { Setup } from './setup.ts'

/** Somebody who is measured, under the name that results go by. */
export interface Contestant {
  readonly name: string
  readonly server: Server
}

/** Somebody who is not started yet. */
export interface Entrant {
  readonly name: string
  readonly start: () => Promise<Server>
}

/** Does its work with a server that ends with it, however it ends. */
export async function withServer<T>(
  start: () => Promise<Server>,
  work: (server: Server) => Promise<T>,
): Promise<T> {
  return withContestants([{ name: '', start }], ([only]) => {
    if (only === undefined) throw new Error('There is no server.')
    return work(only.server)
  })
}

/** The same for several. */
export async function withContestants<T>(
  entrants: readonly Entrant[],
  work: (contestants: readonly Contestant[]) => Promise<T>,
): Promise<T> {
  const contestants: Contestant[] = []
  try {
    for (const { name, start } of entrants) contestants.push({ name, server: await start() })
    return await work(contestants)
  } catch (error) {
    // Whoever has died explains what went wrong with the work.
    const deaths = contestants.map(({ server }) => server.death()).filter((one) => one !== null)
    throw deaths.length === 0 ? error : new Error(deaths.join(' '), { cause: error })
  } finally {
    await Promise.all(contestants.map(({ server }) => server.end()))
  }
}

/**
 * Round after round, each in turn, and every other round from the other end.
 * @returns the results of the one with this name, round by round
 */
export async function inTurn<T>(
  { rounds, firstWarmUpMs, warmUpMs, say }: Setup,
  contestants: readonly Contestant[],
  measure: (contestant: Contestant, warmUpMs: number, round: number) => Promise<T>,
): Promise<(name: string) => readonly T[]> {
  const results = new Map<string, T[]>(contestants.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? contestants : contestants.toReversed()
    for (const contestant of order) {
      say(`round ${round + 1} of ${rounds}: ${contestant.name}`)
      const result = await measure(contestant, round === 0 ? firstWarmUpMs : warmUpMs, round)
      results.get(contestant.name)?.push(result)
    }
  }
  return (name) => results.get(name) ?? []
}
