/** Asks Stream for what was reserved, and makes an upload of its answer. */
import type { Reservation } from '../ports/upload-store.ts'
import type { MintedVideo } from '../ports/stream-api.ts'
import { StreamError } from '../ports/stream-error.ts'
import { inTurn } from '../status/upload-mutex.ts'
import { firstCheck } from '../status/poll-schedule.ts'
import { orderFrom, tusOrderFrom } from './stream-params.ts'
import type { Parts } from '../dependencies.ts'
import type { QuotaExceeded, RateLimited, StreamFailed } from '../outcomes.ts'
import { receiveKeptNotices } from '../status/receive-webhook.ts'
import { mintTrouble } from '../stream-error-outcome.ts'
import type { Upload } from '../upload.ts'

/** A URL was minted, now or by an earlier request with the same key. */
export interface Minted {
  readonly kind: 'Minted'
  readonly upload: Upload
  /** The one-time URL: for the caller who asked, and nobody else. */
  readonly uploadURL: string
}

export type MintParts = Pick<
  Parts,
  'stream' | 'store' | 'events' | 'clock' | 'log' | 'telemetry' | 'readVideo'
>

/**
 * A refusal gives the reservation up; where Stream may have done the work all the same, it stays
 * until synchronisation knows.
 */
export async function mintReserved(
  parts: MintParts,
  reservation: Reservation,
  thumbnailTimestampPct: number | null,
): Promise<Minted | QuotaExceeded | RateLimited | StreamFailed> {
  let minted: MintedVideo
  try {
    minted = await askStream(parts, reservation, thumbnailTimestampPct)
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    parts.log.warn({ reference: reservation.id, kind: error.kind, err: error }, 'minting failed')
    if (!error.mayHaveHappened) await parts.store.release(reservation.id)
    return mintTrouble(error, reservation.constraints.maxDurationSeconds)
  }
  const now = parts.clock.now()
  const upload = await inTurn(parts.events, minted.uid, async () => {
    const recorded = await parts.store.mint(reservation.id, minted, now, firstCheck(now))
    if (recorded !== null) parts.events.publish(recorded)
    return recorded
  })
  if (upload === null) return undoMint(parts, reservation, minted.uid)
  // Not the uid: until the file is there, a basic upload's address can be told from it.
  parts.log.info({ reference: upload.id, protocol: upload.protocol }, 'upload minted')
  await receiveKeptNotices(parts, upload.uid)
  return { kind: 'Minted', upload, uploadURL: minted.uploadURL }
}

/**
 * The answer came so late that the reservation had been given up (a clock that was set, a machine
 * that slept): nobody would count this video, so it goes again.
 */
async function undoMint(
  parts: MintParts,
  reservation: Reservation,
  uid: string,
): Promise<StreamFailed> {
  parts.log.warn({ reference: reservation.id }, 'minted too late: deleted again')
  try {
    await parts.stream.deleteVideo(uid)
  } catch (error) {
    // The next sweep finds it by its reference.
    if (!(error instanceof StreamError)) throw error
  }
  return {
    kind: 'StreamError',
    code: 'STREAM_UNAVAILABLE',
    message: 'Cloudflare Stream took too long. Nothing was minted: try again.',
    retryable: true,
  }
}

function askStream(
  { stream, store }: MintParts,
  reservation: Reservation,
  thumbnailTimestampPct: number | null,
): Promise<MintedVideo> {
  return reservation.protocol === 'TUS'
    ? stream.createTusUpload(tusOrderFrom(reservation, store.deployment, thumbnailTimestampPct))
    : stream.createDirectUpload(orderFrom(reservation, store.deployment, thumbnailTimestampPct))
}
