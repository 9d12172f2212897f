/** One creator on the way: mints, watches at another gateway, uploads, and deletes where it was planned. */
import { setTimeout as pause } from 'node:timers/promises'
import { deleteUntilDeleted, mintUntilMinted, sendFile } from './creator.ts'
import type { Journey } from './creator-plans.ts'
import type { Line } from './retrying-client.ts'
import type { Stage } from './setup.ts'
import { type Subscriber, subscribe } from './subscriber.ts'

/** What became of one journey, as its client saw it. */
export interface Travelled {
  readonly journey: Journey
  /** Every uid that an answer to its key named. */
  readonly uids: ReadonlySet<string>
  readonly subscriber: Subscriber | null
}

/** One creator's upload from the first request to the last. */
export async function travel(
  stage: Stage,
  journey: Journey,
  subscribers: Subscriber[],
): Promise<Travelled> {
  const uids = new Set<string>()
  let subscriber: Subscriber | null = null
  try {
    await pause(journey.startMs)
    const expiry = new Date(Date.now() + 3_600_000).toISOString()
    const lines = await Promise.all(
      Array.from({ length: journey.callers }, (_, caller) =>
        stage.as(journey.creator, journey.place + caller),
      ),
    )
    const minted = await Promise.all(lines.map((one) => mintUntilMinted(one, journey, expiry)))
    for (const { uid } of minted) uids.add(uid)
    const [line] = lines
    const [first] = minted
    if (line === undefined || first === undefined) throw new Error('Nobody called.')
    // At another gateway than the one that answered.
    const watching = await stage.as(journey.creator, placeOf(stage, line) + 1)
    stage.watchedAt.set(first.uid, () => watching.gateway())
    subscriber = subscribe(watching, first.uid, journey.watchesBy)
    subscribers.push(subscriber)
    await sendFile(journey, first)
    if (journey.ending === 'deleted when ready') await subscriber.done
    if (journey.ending.startsWith('deleted')) await deleteUntilDeleted(line, first.uid)
    // The key still means the same upload, at any gateway, whatever has become of it.
    line.moveOn()
    if (journey.isKeyed) uids.add((await mintUntilMinted(line, journey, expiry)).uid)
  } catch (error) {
    stage.surprises.push(
      `${journey.key} (${journey.ending}, ${journey.protocol}): ${String(error)}`,
    )
  }
  return { journey, uids, subscriber }
}

/** Of the gateway that is asked now. */
function placeOf({ gateways }: Stage, line: Line): number {
  return gateways.findIndex(({ url }) => url === line.gateway())
}
