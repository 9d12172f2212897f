/** What several gateways do once between them: ask Stream about what all watch, and clear orphans away. */
import { setTimeout as pause } from 'node:timers/promises'
import { scrape } from '../kit/metrics.ts'
import { askToMint, mintUntilMinted } from './creator.ts'
import { plainItem } from './creator-plans.ts'
import type { Setup } from './setup.ts'
import { type Subscriber, subscribe } from './subscriber.ts'

export interface UpkeepOptions {
  /** Each is watched at every gateway. */
  readonly watched: number
  /** Creations whose answer is lost, so that a video is left behind at Stream. */
  readonly orphans: number
  /** How long the orphans may take to be cleared away. */
  readonly withinMs: number
}

export interface Upkeep {
  /** Videos that were left behind at Stream, and those of them that still are. */
  readonly orphans: { readonly made: number; readonly left: number }
  /** Deletions that Stream was asked for. */
  readonly deletions: number
  /** Rounds of synchronisation, of all gateways together. */
  readonly rounds: number
  /** Lists that Stream was asked for in these rounds. */
  readonly lists: number
  readonly tookMs: number
}

/** Nothing is in trouble while it is measured, and nothing else is under way. */
export async function measureUpkeep(setup: Setup, options: UpkeepOptions): Promise<Upkeep> {
  const { emulator, gateways } = setup
  const expiry = new Date(Date.now() + 3_600_000).toISOString()
  const subscribers: Subscriber[] = []
  try {
    const line = await setup.as('ada')
    for (let place = 0; place < options.watched; place += 1) {
      const { uid } = await mintUntilMinted(line, plainItem(`watched-${place}`, place), expiry)
      const lines = await Promise.all(gateways.map((_, gateway) => setup.as('ada', gateway)))
      subscribers.push(...lines.map((one) => subscribe(one, uid)))
    }
    while (subscribers.some(({ connections }) => connections.length === 0)) await pause(10)

    const before = await figures(setup)
    const start = Date.now()
    await emulator.fault({ on: 'direct_upload', hangUpAfter: true, times: options.orphans })
    for (let place = 0; place < options.orphans; place += 1) {
      const item = { ...plainItem(`orphan-${place}`, place), protocol: 'BASIC' } as const
      const minted = await askToMint(await setup.as('bob', place), item, expiry)
      if ('uid' in minted) throw new Error('An answer that was to be lost arrived.')
    }
    const made = (await emulator.state()).videos.length - before.videos
    let after = await figures(setup)
    while (after.videos > before.videos && Date.now() - start < options.withinMs) {
      await pause(100)
      after = await figures(setup)
    }
    return {
      orphans: { made, left: after.videos - before.videos },
      deletions: after.deletions - before.deletions,
      rounds: after.rounds - before.rounds,
      lists: after.lists - before.lists,
      tookMs: Date.now() - start,
    }
  } finally {
    for (const subscriber of subscribers) subscriber.stop()
  }
}

async function figures({ emulator, gateways }: Setup) {
  const { videos, requests } = await emulator.state()
  const scrapes = await Promise.all(gateways.map(({ url }) => scrape(url)))
  return {
    videos: videos.length,
    deletions: requests['delete'] ?? 0,
    lists: requests['list'] ?? 0,
    rounds: scrapes.reduce((sum, one) => sum + one.value(ROUNDS), 0),
  }
}

const ROUNDS = 'headgate_sync_round_duration_seconds_count'
