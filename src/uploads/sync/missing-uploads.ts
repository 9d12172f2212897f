/**
 * Distinguishes uploads that were deleted at Stream from a misconfiguration or a faulty response. Examples:
 * the wrong account, another API at the base URL, or a truncated list.
 */
import { StreamError } from '../ports/stream-error.ts'
import { isReceived } from '../status/state-machine.ts'
import type { Dependencies } from '../dependencies.ts'
import { type Upload, isTerminal, listedStatuses } from '../upload.ts'

/** Age in milliseconds below which a missing upload proves nothing, because Stream is eventually consistent. */
export const CONSISTENT_AFTER_MS = 60_000
/** Consecutive polls in which the absence of an upload may be inconclusive. After them, it is confirmed like any missing upload. */
const MAX_MISSING_POLLS = 5
/** Interval between two such polls, in milliseconds; five of them take ten minutes. */
export const MISSING_POLL_INTERVAL_MS = 120_000
/** Additional uploads that Stream is polled for if most polled uploads are missing. */
const SAMPLE_SIZE = 10
/** Number of newest uploads from which they are chosen. */
const SAMPLE_CANDIDATES = 100
/** Minimum interval between two warnings, in milliseconds. */
const WARNING_INTERVAL_MS = 600_000

/** An upload to poll. `idlePolls` is null if it is polled only because it is watched. */
export interface PolledUpload {
  readonly upload: Upload
  readonly idlePolls: number | null
  /** See `DueUpload`. */
  readonly missingPolls: number
}

/** Decides which missing uploads may be recorded as deleted at Stream. */
export interface MissingUploads {
  /**
   * Returns the missing uploads that may exist at Stream although its list does not contain them. The caller
   * must poll them again later, and record nothing. Empty unless most uploads are missing in the list, both
   * polled ones and witnesses. Throws StreamError.
   * @param known uids in Stream's list
   */
  inconclusive(
    missing: readonly PolledUpload[],
    known: ReadonlySet<string>,
  ): Promise<readonly PolledUpload[]>
}

export function createMissingUploads(
  dependencies: Pick<Dependencies, 'stream' | 'store' | 'clock' | 'log'>,
): MissingUploads {
  const { clock, log } = dependencies
  let warnedAt = -Infinity

  function warn(missing: number, known: number): void {
    const now = clock.monotonicMs()
    if (now - warnedAt < WARNING_INTERVAL_MS) return
    warnedAt = now
    log.warn(
      { missing, known },
      'most polled uploads are missing at Stream; no conclusion for ten minutes: check the account and CLOUDFLARE_API_BASE_URL',
    )
  }

  return {
    async inconclusive(missing, known) {
      const unexpected = missing.filter(({ upload }) => isUnexpected(upload, clock.now()))
      const [first] = unexpected
      if (first === undefined || unexpected.length <= known.size) return []
      const polled = new Set([...known, ...missing.map(({ upload }) => upload.uid)])
      const sample = await pollSample(dependencies, polled)
      const totalMissing = unexpected.length + sample.missing
      const totalKnown = known.size + sample.known
      if (totalMissing <= totalKnown) return []
      // If Stream knows one of them, only the list is wrong, and each upload can be confirmed by a single request.
      if (await isKnown(dependencies, first.upload)) return []
      warn(totalMissing, totalKnown)
      return unexpected.filter(({ missingPolls }) => missingPolls < MAX_MISSING_POLLS)
    },
  }
}

/** Whether Stream should know the upload. Stream may delete a video without a file after its URL has expired. */
function isUnexpected({ seenStatus, createdAt, expiresAt }: Upload, now: Date): boolean {
  return (
    now.getTime() - createdAt.getTime() >= CONSISTENT_AFTER_MS &&
    (isReceived(seenStatus) || now < expiresAt)
  )
}

/** Whether Stream knows the video; false if the request fails. Throws StreamError if rate-limited. */
async function isKnown(
  { stream }: Pick<Dependencies, 'stream'>,
  { uid }: Upload,
): Promise<boolean> {
  try {
    return (await stream.findVideo(uid)) !== null
  } catch (error) {
    if (!(error instanceof StreamError) || error.kind === 'rate-limited') throw error
    return false
  }
}

/** Polls the newest other uploads that Stream should know, and counts known and missing ones. */
async function pollSample(
  { stream, store, clock }: Pick<Dependencies, 'stream' | 'store' | 'clock'>,
  polled: ReadonlySet<string>,
): Promise<{ readonly known: number; readonly missing: number }> {
  const now = clock.now()
  const range = { direction: 'older', limit: SAMPLE_CANDIDATES } as const
  const newest = await store.list({ statuses: listedStatuses }, range)
  const uids = newest
    .filter((upload) => !isTerminal(upload.status) || isReceived(upload.status))
    .filter((upload) => !polled.has(upload.uid) && isUnexpected(upload, now))
    .slice(0, SAMPLE_SIZE)
    .map(({ uid }) => uid)
  if (uids.length === 0) return { known: 0, missing: 0 }
  const { videos } = await stream.listVideos({ uids })
  return { known: videos.length, missing: uids.length - videos.length }
}
