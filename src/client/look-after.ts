/** Finds out why an upload URL refused. */
import { deletedError } from './terminal-errors.ts'
import { findAgain } from './gateway/find-upload.ts'
import type { Destination } from './gateway/mint-upload.ts'
import type { ClientParts } from './dependencies.ts'
import { uploadError } from './upload-error.ts'

/** How often, and after how many milliseconds, one looks whether a refused file had arrived after all. */
const MOST_LOOKS = 15
const LOOK_MS = 1000

/**
 * Whether a URL refused because Stream has the file: an answer was lost, or a tab that is gone had
 * sent it. False where it lapsed. The gateway hears of either a moment later than Stream does.
 */
export async function lookAfter(
  parts: ClientParts,
  destination: Destination,
  status: number,
  signal: AbortSignal,
): Promise<boolean> {
  for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
    const found = await findAgain(parts, destination, signal)
    if (found.kind === 'deleted') throw deletedError(destination.uid)
    if (found.kind !== 'awaited') return found.kind === 'received'
    await parts.clock.wait(LOOK_MS, signal)
    signal.throwIfAborted()
  }
  // Not found, in use, or gone, although the gateway believes in it: Stream's word counts.
  if (status === 404 || status === 409 || status === 410) return false
  throw uploadError(`Cloudflare Stream refused the file with ${status}.`, {
    code: 'STREAM_REJECTED',
    retryable: false,
  })
}
