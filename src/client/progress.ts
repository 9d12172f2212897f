/** How far an upload has come, from the first question to READY, as one line from 0 to 1. */
import type { ProtocolChoice } from './choose-protocol.ts'
import { type Upload, type UploadProtocol, isAwaited } from './gateway/upload.ts'

/** What `onProgress` is told. */
export interface UploadProgress {
  readonly phase: 'minting' | 'uploading' | 'processing' | 'ready'
  readonly protocol: UploadProtocol
  /** Why this protocol, in words for a person. */
  readonly reason: string
  /** Bytes that are on their way or have arrived; less than before where a connection broke. */
  readonly sentBytes: number
  readonly totalBytes: number
  /** 0 to 100; null before the encoding starts. */
  readonly encodingPercent: number | null
  /** From 0 to 1 over the whole; never goes down. Sending is most of it, encoding the rest. */
  readonly fraction: number
  /** The upload as the gateway last showed it; null until it is minted. */
  readonly upload: Upload | null
}

/** The share of sending in `fraction`: what a person waits for depends on their connection. */
const SENDING_SHARE = 0.8

/** Turns what happens into progress, and tells the listener. */
export interface ProgressTeller {
  minting(choice: ProtocolChoice): void
  /** An upload is minted, or was found again. */
  minted(upload: Upload, choice: ProtocolChoice): void
  /** So many bytes are up. */
  sending(sentBytes: number): void
  /** All bytes are up. */
  sent(): void
  /** The gateway showed it. */
  watched(upload: Upload): void
}

export function createProgressTeller(
  totalBytes: number,
  choice: ProtocolChoice,
  listener: ((progress: UploadProgress) => void) | undefined,
): ProgressTeller {
  let last: UploadProgress = {
    phase: 'minting',
    ...choice,
    sentBytes: 0,
    totalBytes,
    encodingPercent: null,
    fraction: 0,
    upload: null,
  }

  function tell(change: Partial<UploadProgress>): void {
    // Another tab brought it there: what this one still does about it is no news.
    if (last.phase === 'ready') return
    const next = { ...last, ...change }
    last = { ...next, fraction: Math.max(last.fraction, fractionOf(next)) }
    if (listener === undefined) return
    try {
      listener(last)
    } catch (error) {
      // As with any event: the listener's own fault is reported, and does not break the upload.
      queueMicrotask(() => {
        throw error
      })
    }
  }

  return {
    minting: (chosen) => tell({ ...chosen, phase: 'minting', sentBytes: 0, upload: null }),
    minted: (upload, chosen) => tell({ ...chosen, phase: 'uploading', upload }),
    sending: (sentBytes) =>
      tell({ phase: 'uploading', sentBytes: Math.min(sentBytes, totalBytes) }),
    sent: () => tell({ phase: 'processing', sentBytes: totalBytes }),
    watched(upload) {
      const { encodingPercent, receivedBytes } = upload.progress
      if (upload.status === 'READY') {
        tell({ phase: 'ready', sentBytes: totalBytes, encodingPercent, upload })
      } else if (!isAwaited(upload)) {
        tell({ phase: 'processing', sentBytes: totalBytes, encodingPercent, upload })
      } else {
        // Here, or in another tab, whose bytes the gateway counts.
        const phase = last.phase === 'minting' ? 'uploading' : last.phase
        tell({ phase, sentBytes: Math.max(last.sentBytes, receivedBytes ?? 0), upload })
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
