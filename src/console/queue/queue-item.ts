/** One chosen file on its way to a video, as the page shows it. */
import type { UploadProtocol } from '../../client/client.ts'

/** Where a file has got to. */
export type JourneyState =
  /** Others go first. */
  'waiting' | 'preparing' | 'uploading' | 'paused' | 'processing' | 'ready' | 'failed'

/** What went wrong, and what to do about it. */
export interface Failure {
  readonly words: string
  readonly advice: string | null
}

export interface Journey {
  /** Of its row in the list: the same from the choice to the end. */
  readonly key: string
  readonly file: File
  readonly state: JourneyState
  /** Null until the length of the video was read. */
  readonly protocol: UploadProtocol | null
  /** Why this protocol, in words. */
  readonly reason: string | null
  /** Null until its URL is minted. */
  readonly uid: string | null
  readonly sentBytes: number
  /** Null where it is not known (any more). */
  readonly bytesPerSecond: number | null
  readonly encodingPercent: number | null
  /** From 0 to 1 over sending and encoding. */
  readonly fraction: number
  readonly failure: Failure | null
  readonly terms: JourneyTerms
}

/** What was chosen with the file. */
export interface JourneyTerms {
  /** Null to read it from the file. */
  readonly maxDurationSeconds: number | null
  /** False where the connection may break; null for what the browser says of it. */
  readonly reliableConnection: boolean | null
}

export function beginJourney(key: string, file: File, terms: JourneyTerms): Journey {
  return {
    key,
    file,
    state: 'waiting',
    protocol: null,
    reason: null,
    uid: null,
    sentBytes: 0,
    bytesPerSecond: null,
    encodingPercent: null,
    fraction: 0,
    failure: null,
    terms,
  }
}

/** Whether it still goes on, by itself or when it is told to. */
export function isUnderWay({ state }: Journey): boolean {
  return state !== 'ready' && state !== 'failed'
}
