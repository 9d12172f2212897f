/** Records what a piece of evidence makes of an upload, and tells whoever watches. */
import type { NextCheck } from '../ports/upload-store.ts'
import { holdingOf } from '../holding.ts'
import { inTurn } from './upload-mutex.ts'
import { type Evidence, applyEvidence } from './state-machine.ts'
import { nextCheck } from './poll-schedule.ts'
import type { Parts } from '../dependencies.ts'
import type { Upload, UploadStatus } from '../upload.ts'

/** Pause before Stream is asked about a video that a webhook describes and Stream did not know. */
const CONTRADICTED_POLL_MS = 5000

type RecordParts = Pick<Parts, 'store' | 'events' | 'telemetry'>

/**
 * Applies the evidence to the upload as it stands in the store, again if somebody was faster, until
 * it is recorded or says nothing new. Returns the upload as it stands then; null where there is
 * none with this uid.
 */
export function recordEvidence(
  parts: RecordParts,
  uid: string,
  evidence: Evidence,
): Promise<Upload | null> {
  return inTurn(parts.events, uid, () => recordNow(parts, uid, evidence))
}

async function recordNow(
  parts: RecordParts,
  uid: string,
  evidence: Evidence,
): Promise<Upload | null> {
  for (;;) {
    const upload = await parts.store.find(uid)
    if (upload === null) return null
    const next = applyEvidence(upload, evidence)
    if (next === null) {
      if (contradicts(upload, evidence)) await parts.store.reschedule([pollSoon(upload, evidence)])
      return upload
    }

    const moved = next.status !== upload.status
    const recorded = await parts.store.advance({
      upload: next,
      event: moved ? { status: next.status, source: evidence.source, at: evidence.at } : null,
      holds: holdingOf(next),
      checkAt: contradicts(next, evidence)
        ? pollSoon(next, evidence).checkAt
        : nextCheck(next, evidence.at, 0),
    })
    if (recorded) {
      parts.events.publish(next)
      if (moved) void tellMove(parts, upload, next.status, evidence)
      return next
    }
  }
}

/**
 * Whether a webhook describes a video that Stream did not know when it was asked. It may be late, about
 * a video that is gone by now, and so it decides nothing: Stream is asked again.
 */
function contradicts({ goneAt, deletedAt }: Upload, { kind, source }: Evidence): boolean {
  return kind === 'described' && source === 'WEBHOOK' && goneAt !== null && deletedAt === null
}

function pollSoon({ uid, version }: Upload, { at }: Evidence): NextCheck & { checkAt: Date } {
  const checkAt = new Date(at.getTime() + CONTRADICTED_POLL_MS)
  return { uid, version, checkAt, idleChecks: 0 }
}

/** Nobody waits for it, and the change stands whether or not it can be told. */
async function tellMove(
  { store, telemetry }: RecordParts,
  { id, status: from }: Upload,
  to: UploadStatus,
  { source, at }: Evidence,
): Promise<void> {
  let since: Date | undefined
  try {
    const history = (await store.historyOf([id])).get(id) ?? []
    since = history.findLast((event) => event.status === from)?.at
  } catch {
    // The change before it is not known then; that this one happened is.
  }
  // The clock may have been set back in between.
  const seconds = since === undefined ? null : Math.max(0, at.getTime() - since.getTime()) / 1000
  telemetry.moved({ from, to, source, seconds })
}
