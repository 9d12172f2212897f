/** A verified notice arrived: Stream says that processing ended. */
import type { StreamVideo } from '../ports/stream-api.ts'
import type { Parts } from '../dependencies.ts'
import { recordEvidence } from './record-observation.ts'

type NoticeParts = Pick<Parts, 'store' | 'events' | 'clock' | 'log' | 'telemetry'>

/**
 * Applies a notice, or keeps it for an upload that is not known yet. Once this resolves, the notice
 * is durable: only then may Stream be told that it arrived. A repeat changes nothing.
 */
export async function receiveNotice(
  parts: NoticeParts & Pick<Parts, 'readVideo'>,
  video: StreamVideo,
  body: string,
): Promise<'applied' | 'kept'> {
  const at = parts.clock.now()
  const upload = await recordEvidence(parts, video.uid, {
    kind: 'described',
    source: 'WEBHOOK',
    at,
    video,
  })
  if (upload !== null) {
    parts.log.info({ uid: video.uid, state: video.state, status: upload.status }, 'notice applied')
    return 'applied'
  }
  await parts.store.keepNotice(video.uid, body, at)
  // It may have become known in between, by somebody who looked for kept notices just before.
  if ((await parts.store.find(video.uid)) !== null) {
    await receiveKeptNotices(parts, video.uid)
    return 'applied'
  }
  parts.log.info({ uid: video.uid, state: video.state }, 'notice kept: no such upload yet')
  return 'kept'
}

/** Applies what was kept for an upload that has just become known. */
export async function receiveKeptNotices(
  parts: NoticeParts & Pick<Parts, 'readVideo'>,
  uid: string,
): Promise<void> {
  const bodies = await parts.store.keptNotices(uid)
  for (const body of bodies) {
    const video = parts.readVideo(body)
    if (video === null) continue
    const at = parts.clock.now()
    await recordEvidence(parts, uid, { kind: 'described', source: 'WEBHOOK', at, video })
  }
  if (bodies.length > 0) await parts.store.dropNotices(uid)
}
