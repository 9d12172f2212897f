/** Progress of one upload, from minting to READY. */
import { callListener } from './call-listener.ts'
import type { ProtocolChoice } from './choose-protocol.ts'
import { type Upload, type UploadProtocol, isAwaitingBytes } from './gateway/upload.ts'

/** Argument of `onProgress`. */
export interface UploadProgress {
  readonly phase: 'minting' | 'uploading' | 'processing' | 'ready'
  /** While the upload is minted, the expected one. */
  readonly protocol: UploadProtocol
  /** Reason for the protocol, as display text. */
  readonly reason: string
  /** Bytes that were sent or that Stream received; may decrease after a broken connection. */
  readonly sentBytes: number
  readonly totalBytes: number
  /** 0 to 100; null before the encoding starts. */
  readonly encodingPercent: number | null
  /** Overall progress from 0 to 1; never decreases. Sending takes 80 %, encoding 20 %. */
  readonly fraction: number
  /** The upload in its last known state; null until it is minted. */
  readonly upload: Upload | null
}

/** Share of sending in `fraction`. It is the larger share, because sending depends on the user's connection. */
const SENDING_SHARE = 0.8

/** Converts upload events to progress and calls the listener. */
export interface ProgressReporter {
  minting(choice: ProtocolChoice): void
  /** Reports that an upload was minted or resumed. */
  minted(upload: Upload, choice: ProtocolChoice): void
  /** Reports the bytes sent so far. */
  sending(sentBytes: number): void
  /** Reports that all bytes were sent. */
  sent(): void
  /** Reports a state of the upload from the gateway. */
  watched(upload: Upload): void
}

export function createProgressReporter(
  totalBytes: number,
  choice: ProtocolChoice,
  listener: ((progress: UploadProgress) => void) | undefined,
): ProgressReporter {
  let last: UploadProgress = {
    phase: 'minting',
    ...choice,
    sentBytes: 0,
    totalBytes,
    encodingPercent: null,
    fraction: 0,
    upload: null,
  }

  function emit(change: Partial<UploadProgress>): void {
    // Ignores later events of this tab: another tab completed the upload.
    if (last.phase === 'ready') return
    const next = { ...last, ...change }
    last = { ...next, fraction: Math.max(last.fraction, fractionOf(next)) }
    if (listener !== undefined) callListener(listener, last)
  }

  return {
    minting: (newChoice) => emit({ ...newChoice, phase: 'minting', sentBytes: 0, upload: null }),
    minted: (upload, newChoice) => emit({ ...newChoice, phase: 'uploading', upload }),
    sending(sentBytes) {
      // The gateway may report that Stream has received the file before the last request ends.
      if (last.phase === 'processing') return
      emit({ phase: 'uploading', sentBytes: Math.min(sentBytes, totalBytes) })
    },
    sent: () => emit({ phase: 'processing', sentBytes: totalBytes }),
    watched(upload) {
      const { encodingPercent, receivedBytes } = upload.progress
      if (upload.status === 'READY') {
        emit({ phase: 'ready', sentBytes: totalBytes, encodingPercent, upload })
      } else if (upload.status === 'EXPIRED' || upload.status === 'DELETED') {
        // Neither tells how many bytes Stream received.
        emit({ upload })
      } else if (!isAwaitingBytes(upload)) {
        emit({ phase: 'processing', sentBytes: totalBytes, encodingPercent, upload })
      } else {
        // This tab sends the bytes, or another tab, whose bytes the gateway reports.
        const phase = last.phase === 'minting' ? 'uploading' : last.phase
        emit({ phase, sentBytes: Math.max(last.sentBytes, receivedBytes ?? 0), upload })
      }
    },
  }
}

function fractionOf({ phase, sentBytes, totalBytes, encodingPercent }: UploadProgress): number {
  if (phase === 'ready') return 1
  const encoded = phase === 'processing' ? (encodingPercent ?? 0) / 100 : 0
  const fraction = SENDING_SHARE * (sentBytes / totalBytes) + (1 - SENDING_SHARE) * encoded
  return Math.min(1, Math.max(0, fraction))
}
