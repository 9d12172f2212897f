/** Asks Stream about a group of uploads with one call, and records what it says. */
import type { NextCheck } from '../ports/upload-store.ts'
import type { StreamVideo } from '../ports/stream-api.ts'
import { StreamError } from '../ports/stream-error.ts'
import { StoreUnavailable } from '../ports/store-unavailable.ts'
import { MISSING_PAUSE_MS, type MissingUploads, SETTLED_AFTER_MS } from './missing-uploads.ts'
import { nextCheck } from '../status/poll-schedule.ts'
import type { Parts } from '../dependencies.ts'
import { recordEvidence } from '../status/record-observation.ts'
import type { Upload } from '../upload.ts'

/** Uploads that one call asks after: 33 bytes of address each, as many as one address holds. */
export const UPLOADS_A_CALL = 200
/** What a list leaves out is asked after by name, so many at a time: the others wait a round. */
const CONFIRMED_A_CALL = 10
/** Those that wait for their confirmation stand back so long for each call before them. */
const STAND_BACK_MS = 5000

/** An upload to ask after; the others are null where it is asked after only because it is watched. */
export interface Asked {
  readonly upload: Upload
  readonly idleChecks: number | null
  readonly dueAt: Date | null
  /** See `DueUpload`. */
  readonly missingChecks: number
}

type AskParts = Pick<Parts, 'stream' | 'store' | 'events' | 'clock' | 'log' | 'telemetry'> & {
  readonly missingUploads: MissingUploads
}

/** What Stream says of a video: null where it does not know it, `unanswered` where it cannot tell. */
type Word = StreamVideo | null | 'unanswered'

/** Returns how many of the group changed. Throws StreamError where Stream does not answer. */
export async function askStream(parts: AskParts, group: readonly Asked[]): Promise<number> {
  const { videos } = await parts.stream.listVideos({ uids: group.map(({ upload }) => upload.uid) })
  const described = new Map(videos.map((video) => [video.uid, video]))
  const undescribed = group.filter(({ upload }) => !described.has(upload.uid))

  let changed = 0
  for (const asked of group) {
    const video = described.get(asked.upload.uid)
    if (video !== undefined && (await recordWord(parts, asked, video))) changed += 1
  }
  const now = parts.clock.now()
  // What Stream did not know before and does not know now is no news.
  const gone = undescribed.filter(({ upload }) => upload.goneAt !== null)
  const missing = undescribed.filter(({ upload }) => upload.goneAt === null)
  const inDoubt = await parts.missingUploads.inDoubt(missing, new Set(described.keys()))
  const toConfirm = missing.filter((asked) => !inDoubt.includes(asked))
  // A list may lag behind; only Stream's answer about this very video calls it gone. What Stream
  // cannot tell of one keeps it from telling of none of the others.
  await Promise.all(
    toConfirm.slice(0, CONFIRMED_A_CALL).map(async (asked) => {
      if (await recordWord(parts, asked, await confirm(parts, asked.upload))) changed += 1
    }),
  )
  await parts.store.reschedule([
    ...gone.flatMap((asked) => idleCheck(asked, now, 0)),
    ...inDoubt.flatMap((asked) => missedCheck(asked, now)),
    ...putOff(toConfirm.slice(CONFIRMED_A_CALL), now),
  ])
  return changed
}

async function confirm(
  { stream, log, clock }: Pick<Parts, 'stream' | 'log' | 'clock'>,
  upload: Upload,
): Promise<Word> {
  try {
    const video = await stream.findVideo(upload.uid)
    const age = clock.now().getTime() - upload.createdAt.getTime()
    return video === null && age < SETTLED_AFTER_MS ? 'unanswered' : video
  } catch (error) {
    if (!(error instanceof StreamError) || error.kind === 'rate-limited') throw error
    log.warn({ reference: upload.id, kind: error.kind }, 'Stream was asked of a video in vain')
    return 'unanswered'
  }
}

/** Records what Stream said, or when to ask again. True where the upload changed by it. */
async function recordWord(parts: AskParts, asked: Asked, word: Word): Promise<boolean> {
  try {
    return await record(parts, asked, word)
  } catch (error) {
    if (error instanceof StreamError || error instanceof StoreUnavailable) throw error
    // What cannot be written of one upload keeps none of the others waiting.
    parts.log.error({ reference: asked.upload.id, err: error }, "Stream's word was not recorded")
    await record(parts, asked, 'unanswered')
    return false
  }
}

async function record(parts: AskParts, asked: Asked, word: Word): Promise<boolean> {
  const { upload } = asked
  const at = parts.clock.now()
  if (word !== 'unanswered') {
    const source = 'SYNC'
    const latest = await recordEvidence(
      parts,
      upload.uid,
      word === null
        ? { kind: 'absent', source, at }
        : { kind: 'described', source, at, video: word },
    )
    if (latest !== null && latest.version !== upload.version) return true
  }
  const missingChecks = word === 'unanswered' ? asked.missingChecks : 0
  await parts.store.reschedule(idleCheck(asked, at, missingChecks))
  return false
}

/** They must not stand before all others at every round until their turn comes. */
function putOff(waiting: readonly Asked[], now: Date): readonly NextCheck[] {
  return waiting.flatMap(({ upload: { uid, version }, idleChecks, missingChecks }, place) => {
    if (idleChecks === null) return []
    const turns = 1 + Math.floor(place / CONFIRMED_A_CALL)
    const checkAt = new Date(now.getTime() + turns * STAND_BACK_MS)
    return [{ uid, version, idleChecks, checkAt, missingChecks }]
  })
}

/** Empty where it was polled only because it is watched: when it is due was not changed by that. */
function idleCheck(
  { upload, idleChecks }: Asked,
  at: Date,
  missingChecks: number,
): readonly NextCheck[] {
  if (idleChecks === null) return []
  const { uid, version } = upload
  const checkAt = nextCheck(upload, at, idleChecks + 1)
  return [{ uid, version, checkAt, idleChecks: idleChecks + 1, missingChecks }]
}

function missedCheck(
  { upload: { uid, version }, idleChecks, missingChecks }: Asked,
  now: Date,
): readonly NextCheck[] {
  if (idleChecks === null) return []
  const checkAt = new Date(now.getTime() + MISSING_PAUSE_MS)
  return [{ uid, version, checkAt, idleChecks, missingChecks: missingChecks + 1 }]
}
