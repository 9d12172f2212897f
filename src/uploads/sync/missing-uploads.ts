/**
 * Tells uploads that Stream does not know any more from a Stream that knows none of ours: a wrong
 * account, another API behind the base URL, a list that is cut short.
 */
import { StreamError } from '../ports/stream-error.ts'
import type { Asked } from './poll-stream.ts'
import { isReceived } from '../status/state-machine.ts'
import type { Parts } from '../dependencies.ts'
import { type Upload, isTerminal } from '../upload.ts'

/** Stream may not know everywhere at once what it has just minted: younger ones are not called gone. */
export const SETTLED_AFTER_MS = 60_000
/** Polls in a row in which an upload was missing among most others, before it is called gone all the same. */
const ENOUGH_MISSING_CHECKS = 5
/** Pause between two of them, in milliseconds: so nothing is concluded for ten minutes. */
export const MISSING_PAUSE_MS = 120_000
/** Uploads beside those polled that Stream is asked about, where most of those polled are missing. */
const MOST_WITNESSES = 10
/** Newest uploads among which they are looked for. */
const WITNESSES_AMONG = 100
/** Pause between two warnings, in milliseconds. */
const WARN_EVERY_MS = 600_000

export interface MissingUploads {
  /**
   * Those of the missing uploads of which nothing may be concluded yet: none, unless Stream knows fewer
   * of ours than it does not know. `known` are the uids that it described. Throws StreamError.
   */
  inDoubt(missing: readonly Asked[], known: ReadonlySet<string>): Promise<readonly Asked[]>
}

export function createMissingUploads(
  parts: Pick<Parts, 'stream' | 'store' | 'clock' | 'log'>,
): MissingUploads {
  const { clock, log } = parts
  let warnedAt = -Infinity

  function warn(missing: number, known: number): void {
    const now = clock.monotonicMs()
    if (now - warnedAt < WARN_EVERY_MS) return
    warnedAt = now
    log.warn(
      { missing, known },
      'most polled uploads are missing at Stream; no conclusion for ten minutes: check the account and CLOUDFLARE_API_BASE_URL',
    )
  }

  return {
    async inDoubt(missing, known) {
      const lost = missing.filter(({ upload }) => isUnexpected(upload, clock.now()))
      const [first] = lost
      if (first === undefined || lost.length <= known.size) return []
      const polled = new Set([...known, ...missing.map(({ upload }) => upload.uid)])
      const witnesses = await askWitnesses(parts, polled)
      const lostInAll = lost.length + witnesses.missing
      const knownInAll = known.size + witnesses.known
      if (lostInAll <= knownInAll) return []
      // Where Stream knows one of them after all, only the list is wrong.
      if (await isKnown(parts, first.upload)) return []
      warn(lostInAll, knownInAll)
      return lost.filter(({ missingChecks }) => missingChecks < ENOUGH_MISSING_CHECKS)
    },
  }
}

/** Whether Stream should know it; it may drop a link that expired unused. */
function isUnexpected({ seenStatus, createdAt, expiresAt }: Upload, now: Date): boolean {
  return (
    now.getTime() - createdAt.getTime() >= SETTLED_AFTER_MS &&
    (isReceived(seenStatus) || now < expiresAt)
  )
}

/** False where Stream cannot tell. Throws StreamError where it takes no more requests. */
async function isKnown({ stream }: Pick<Parts, 'stream'>, { uid }: Upload): Promise<boolean> {
  try {
    return (await stream.findVideo(uid)) !== null
  } catch (error) {
    if (!(error instanceof StreamError) || error.kind === 'rate-limited') throw error
    return false
  }
}

/** How many of the newest other uploads, which Stream should know, it knows. */
async function askWitnesses(
  { stream, store, clock }: Pick<Parts, 'stream' | 'store' | 'clock'>,
  polled: ReadonlySet<string>,
): Promise<{ readonly known: number; readonly missing: number }> {
  const now = clock.now()
  const newest = await store.list({}, { towards: 'older', limit: WITNESSES_AMONG })
  const uids = newest
    .filter((upload) => !isTerminal(upload.status) || isReceived(upload.status))
    .filter((upload) => !polled.has(upload.uid) && isUnexpected(upload, now))
    .slice(0, MOST_WITNESSES)
    .map(({ uid }) => uid)
  if (uids.length === 0) return { known: 0, missing: 0 }
  const { videos } = await stream.listVideos({ uids })
  return { known: videos.length, missing: uids.length - videos.length }
}
