/** Records what a piece of evidence makes of an upload, and tells whoever watches. */
import { holdingOf } from './holding.ts'
import { inTurn } from './in-turn.ts'
import { type Evidence, applyEvidence } from './moves.ts'
import { nextCheck } from './next-check.ts'
import type { Parts } from './parts.ts'
import type { Upload } from './upload.ts'

/**
 * Applies the evidence to the upload as it stands in the store, again if somebody was faster, until
 * it is recorded or says nothing new. Returns the upload as it stands then; null where there is
 * none with this uid.
 */
export function recordEvidence(
  parts: Pick<Parts, 'store' | 'events'>,
  uid: string,
  evidence: Evidence,
): Promise<Upload | null> {
  return inTurn(parts.events, uid, () => recordNow(parts, uid, evidence))
}

async function recordNow(
  parts: Pick<Parts, 'store' | 'events'>,
  uid: string,
  evidence: Evidence,
): Promise<Upload | null> {
  for (;;) {
    const upload = await parts.store.find(uid)
    if (upload === null) return null
    const next = applyEvidence(upload, evidence)
    if (next === null) return upload

    const moved = next.status !== upload.status
    const recorded = await parts.store.advance({
      upload: next,
      event: moved ? { status: next.status, source: evidence.source, at: evidence.at } : null,
      holds: holdingOf(next),
      checkAt: nextCheck(next, evidence.at, 0),
    })
    if (recorded) {
      parts.events.publish(next)
      return next
    }
  }
}
