/** Many callers with one key, and a gateway that dies between Stream's work and the answer. */
import { setTimeout as pause } from 'node:timers/promises'
import { compareBooks, isEqual, readBooks } from './compare-state.ts'
import { mintUntilMinted } from './creator.ts'
import { type Item, plainItem } from './creator-plans.ts'
import { type Setup, setSetup } from './setup.ts'

export interface OneKeyOptions {
  readonly callers: number
  readonly pace: number
  readonly patienceMs: number
}

export interface OneKeyOutcome {
  /** Different uids that the callers of each key were given. */
  readonly uids: Readonly<Record<string, number>>
  readonly videosAtStream: number
  readonly uploadsAtGateway: number
  readonly reservedSeconds: { readonly gateway: number; readonly stream: number }
  /** Creations that Stream was asked for. */
  readonly creations: number
  readonly kills: number
  readonly surprises: readonly string[]
  readonly tookMs: number
}

/** Reserved for each key. */
export const RESERVED_SECONDS = 77

/**
 * Three keys: one is minted in peace; one loses Stream's answer to the kill; and one loses the
 * gateway while its creation is still on the way to Stream.
 */
export async function raceWithOneKey(options: OneKeyOptions): Promise<OneKeyOutcome> {
  const setup = await setSetup({ ...options, encodeMs: 500 })
  const { emulator } = setup
  const [gateway] = setup.gateways
  try {
    const start = Date.now()
    await emulator.fault({ on: 'direct_upload', delayMs: 300, hangUpAfter: true })
    await emulator.fault({ on: 'tus_create', delayMs: 700 })
    const cutOff = [itemOf('answer lost', 'BASIC'), itemOf('asked in vain', 'TUS')]
    const racing = cutOff.map((item) => race(setup, item, options.callers))
    // The first has been made, and its answer cut; the second is made when nobody waits for it.
    while ((await emulator.state()).videos.length === 0) await pause(5)
    await gateway.killAndStart()
    const inPeace = race(setup, itemOf('in peace', 'BASIC'), options.callers)
    const uids = await Promise.all([...racing, inPeace])
    await untilBooksAgree(setup)
    const { uploads, stream, reservedSeconds } = await readBooks(setup)
    return {
      uids: {
        'answer lost': uids[0] ?? 0,
        'asked in vain': uids[1] ?? 0,
        'in peace': uids[2] ?? 0,
      },
      videosAtStream: stream.videos.length,
      uploadsAtGateway: uploads.length,
      reservedSeconds: { gateway: reservedSeconds, stream: stream.reservedSeconds },
      creations: (stream.requests['direct_upload'] ?? 0) + (stream.requests['tus_create'] ?? 0),
      kills: gateway.kills(),
      surprises: [...setup.surprises, ...gateway.failures],
      tookMs: Date.now() - start,
    }
  } finally {
    await setup.end()
  }
}

/** How many different uids the callers were given. */
async function race(setup: Setup, item: Item, callers: number): Promise<number> {
  const line = await setup.as(item.creator)
  const expiry = new Date(Date.now() + 3_600_000).toISOString()
  const minted = await Promise.all(
    Array.from({ length: callers }, () => mintUntilMinted(line, item, expiry)),
  )
  return new Set(minted.map(({ uid }) => uid)).size
}

async function untilBooksAgree(setup: Setup): Promise<void> {
  while (!isEqual(compareBooks(await readBooks(setup)))) await pause(200)
}

function itemOf(key: string, protocol: Item['protocol']): Item {
  return {
    ...plainItem(key, 0),
    protocol,
    ending: 'abandoned',
    maxDurationSeconds: RESERVED_SECONDS,
  }
}
