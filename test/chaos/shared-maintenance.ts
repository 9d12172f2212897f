/** Measures work that several gateways share: polling watched uploads and deleting orphans. */
import { setTimeout as pause } from 'node:timers/promises'
import { scrape } from '../kit/metrics.ts'
import { sendCreateMutation, createWithRetries } from './creator.ts'
import { standardPlan } from './creator-plans.ts'
import type { Setup } from './setup.ts'
import { type Subscriber, subscribe } from './subscriber.ts'

export interface MaintenanceOptions {
  /** Number of uploads that are watched at every gateway. */
  readonly watched: number
  /** Create requests whose response from Stream is lost, so that an orphan remains at Stream. */
  readonly orphans: number
  /** Maximum time until the orphans are deleted. */
  readonly withinMs: number
}

export interface MaintenanceOutcome {
  /** Orphans created, and orphans remaining at the end. */
  readonly orphans: { readonly created: number; readonly remaining: number }
  /** Delete requests that Stream received. */
  readonly deletions: number
  /** Sync rounds of all gateways together. */
  readonly rounds: number
  /** List requests that Stream received during these rounds. */
  readonly lists: number
  readonly durationMs: number
}

/** Requires that no faults are active and no other uploads are running. */
export async function measureSharedMaintenance(
  setup: Setup,
  options: MaintenanceOptions,
): Promise<MaintenanceOutcome> {
  const { emulator, gateways } = setup
  const expiry = new Date(Date.now() + 3_600_000).toISOString()
  const subscribers: Subscriber[] = []
  try {
    const creator = await setup.as('ada')
    for (let index = 0; index < options.watched; index += 1) {
      const { uid } = await createWithRetries(
        creator,
        standardPlan(`watched-${index}`, index),
        expiry,
      )
      const clients = await Promise.all(gateways.map((_, gateway) => setup.as('ada', gateway)))
      subscribers.push(...clients.map((client) => subscribe(client, uid)))
    }
    while (subscribers.some(({ connections }) => connections.length === 0)) await pause(10)

    const before = await readCounts(setup)
    const start = Date.now()
    await emulator.fault({ on: 'direct_upload', hangUpAfter: true, times: options.orphans })
    for (let index = 0; index < options.orphans; index += 1) {
      const plan = { ...standardPlan(`orphan-${index}`, index), protocol: 'BASIC' } as const
      const outcome = await sendCreateMutation(await setup.as('bob', index), plan, expiry)
      if ('uid' in outcome)
        throw new Error('A create request succeeded although its response should be lost.')
    }
    const created = (await emulator.state()).videos.length - before.videos
    let after = await readCounts(setup)
    while (after.videos > before.videos && Date.now() - start < options.withinMs) {
      await pause(100)
      after = await readCounts(setup)
    }
    return {
      orphans: { created, remaining: after.videos - before.videos },
      deletions: after.deletions - before.deletions,
      rounds: after.rounds - before.rounds,
      lists: after.lists - before.lists,
      durationMs: Date.now() - start,
    }
  } finally {
    for (const subscriber of subscribers) subscriber.stop()
  }
}

async function readCounts({ emulator, gateways }: Setup) {
  const { videos, requests } = await emulator.state()
  const scrapes = await Promise.all(gateways.map(({ url }) => scrape(url)))
  return {
    videos: videos.length,
    deletions: requests['delete'] ?? 0,
    lists: requests['list'] ?? 0,
    rounds: scrapes.reduce((sum, client) => sum + client.value(ROUNDS), 0),
  }
}

const ROUNDS = 'headgate_sync_round_duration_seconds_count'
