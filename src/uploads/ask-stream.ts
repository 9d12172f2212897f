/** Asks Stream about a group of uploads with one call, and records what it says. */
import type { NextCheck } from '../store/store.ts'
import type { StreamVideo } from '../stream/backend.ts'
import { StreamError } from '../stream/errors.ts'
import { nextCheck } from './next-check.ts'
import type { Parts } from './parts.ts'
import { readOffset } from './read-offset.ts'
import { recordEvidence } from './record-evidence.ts'
import type { Upload } from './upload.ts'

/** Uploads that one call asks after: 33 bytes of address each, as many as one address holds. */
export const UPLOADS_A_CALL = 200
/** What a list leaves out is asked after by name, so many at a time: the others wait a round. */
const CONFIRMED_A_CALL = 10

/** An upload to ask after; `idleChecks` is null where it is asked after only because it is watched. */
export interface Asked {
  readonly upload: Upload
  readonly idleChecks: number | null
}

/** Returns how many of the group changed. Throws StreamError where Stream does not answer. */
export async function askStream(
  parts: Pick<Parts, 'stream' | 'store' | 'events' | 'clock' | 'log' | 'watchers'>,
  group: readonly Asked[],
): Promise<number> {
  const { videos } = await parts.stream.listVideos({ uids: group.map(({ upload }) => upload.uid) })
  const described = new Map(videos.map((video) => [video.uid, video]))
  const watched = parts.watchers.watched(parts.clock.now())
  const idle: NextCheck[] = []
  let changed = 0

  const listed = group.filter(({ upload }) => described.has(upload.uid))
  const missing = group.filter(({ upload }) => !described.has(upload.uid))
  for (const { upload, idleChecks } of [...listed, ...missing.slice(0, CONFIRMED_A_CALL)]) {
    // A list may lag behind; only Stream's answer about this very video calls it gone.
    const video = described.get(upload.uid) ?? (await confirm(parts, upload.uid))
    const at = parts.clock.now()
    if (video === 'unanswered') {
      if (idleChecks !== null) idle.push(idleCheck(upload, idleChecks + 1, at))
      continue
    }
    const source = 'SYNC'
    let latest = await recordEvidence(
      parts,
      upload.uid,
      video === null ? { kind: 'absent', source, at } : { kind: 'described', source, at, video },
    )
    if (latest !== null && watched.has(upload.uid)) {
      latest = (await readOffset(parts, latest)) ?? latest
    }
    if (latest !== null && latest.version !== upload.version) changed += 1
    else if (idleChecks !== null) idle.push(idleCheck(upload, idleChecks + 1, at))
  }
  await parts.store.reschedule(idle)
  return changed
}

/** One video that Stream cannot tell of must not keep it from telling of the others. */
async function confirm(
  { stream, log }: Pick<Parts, 'stream' | 'log'>,
  uid: string,
): Promise<StreamVideo | null | 'unanswered'> {
  try {
    return await stream.findVideo(uid)
  } catch (error) {
    if (!(error instanceof StreamError) || error.kind === 'rate-limited') throw error
    log.warn({ uid, kind: error.kind }, 'Stream was asked about one video in vain')
    return 'unanswered'
  }
}

function idleCheck(upload: Upload, idleChecks: number, at: Date): NextCheck {
  return { uid: upload.uid, checkAt: nextCheck(upload, at, idleChecks), idleChecks }
}
