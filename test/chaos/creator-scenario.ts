/** One creator on the way: mints, watches at another gateway, uploads, and deletes where it was planned. */
import { setTimeout as pause } from 'node:timers/promises'
import { deleteUntilDeleted, mintUntilMinted, sendFile } from './creator.ts'
import type { Item } from './creator-plans.ts'
import type { Line } from './retrying-client.ts'
import type { Setup } from './setup.ts'
import { type Subscriber, subscribe } from './subscriber.ts'

/** What became of one journey, as its client saw it. */
export interface Travelled {
  readonly journey: Item
  /** Every uid that an answer to its key named. */
  readonly uids: ReadonlySet<string>
  readonly subscriber: Subscriber | null
}

/** One creator's upload from the first request to the last. */
export async function travel(
  setup: Setup,
  item: Item,
  subscribers: Subscriber[],
): Promise<Travelled> {
  const uids = new Set<string>()
  let subscriber: Subscriber | null = null
  try {
    await pause(item.startMs)
    const expiry = new Date(Date.now() + 3_600_000).toISOString()
    const lines = await Promise.all(
      Array.from({ length: item.callers }, (_, caller) =>
        setup.as(item.creator, item.place + caller),
      ),
    )
    const minted = await Promise.all(lines.map((one) => mintUntilMinted(one, item, expiry)))
    for (const { uid } of minted) uids.add(uid)
    const [line] = lines
    const [first] = minted
    if (line === undefined || first === undefined) throw new Error('Nobody called.')
    // At another gateway than the one that answered.
    const watching = await setup.as(item.creator, placeOf(setup, line) + 1)
    setup.watchedAt.set(first.uid, () => watching.gateway())
    subscriber = subscribe(watching, first.uid, item.watchesBy)
    subscribers.push(subscriber)
    await sendFile(item, first)
    if (item.ending === 'deleted when ready') await subscriber.done
    if (item.ending.startsWith('deleted')) await deleteUntilDeleted(line, first.uid)
    // The key still means the same upload, at any gateway, whatever has become of it.
    line.moveOn()
    if (item.isKeyed) uids.add((await mintUntilMinted(line, item, expiry)).uid)
  } catch (error) {
    setup.surprises.push(`${item.key} (${item.ending}, ${item.protocol}): ${String(error)}`)
  }
  return { journey: item, uids, subscriber }
}

/** Of the gateway that is asked now. */
function placeOf({ gateways }: Setup, line: Line): number {
  return gateways.findIndex(({ url }) => url === line.gateway())
}
