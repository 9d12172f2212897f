/** What a journey looks like after a step of the client. */
import type { UploadProgress } from '../../client/client.ts'
import type { Journey, JourneyState } from './queue-item.ts'

const STATES: Readonly<Record<UploadProgress['phase'], JourneyState>> = {
  minting: 'preparing',
  uploading: 'uploading',
  processing: 'processing',
  ready: 'ready',
}

export function journeyAfter(
  journey: Journey,
  { phase, protocol, reason, sentBytes, encodingPercent, fraction, upload }: UploadProgress,
  bytesPerSecond: number | null,
): Partial<Journey> {
  const uid = upload?.uid ?? null
  // By tus it goes on where it was: nothing is shown as lost until Stream has said its offset.
  const goesOn =
    protocol === 'TUS' && phase === 'uploading' && sentBytes === 0 && uid === journey.uid
  return {
    state: STATES[phase],
    protocol,
    reason,
    uid: uid ?? journey.uid,
    sentBytes: goesOn ? journey.sentBytes : sentBytes,
    bytesPerSecond,
    encodingPercent,
    fraction: goesOn ? journey.fraction : fraction,
  }
}
