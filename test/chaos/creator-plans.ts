/** Plans the uploads of all creators from the seed, before the run starts. */
import type { UploadProtocol, UploadStatus } from '../../src/uploads/upload.ts'
import type { Chance } from './seed.ts'

/** How an upload ends, with relative frequencies: what is sent, and what happens afterwards. */
const endings = {
  /** A valid video is uploaded. */
  video: 46,
  /** A text file is uploaded; Stream rejects it. */
  'text file': 8,
  /** The video is longer than the upload's `maxDurationSeconds`. */
  'too long': 8,
  /** The URL is never used. */
  abandoned: 10,
  /** A tus upload stops after its first chunk. */
  interrupted: 6,
  /** Deleted before the first byte. */
  'deleted unused': 6,
  /** Deleted right after the last byte. */
  'deleted while encoding': 8,
  /** Deleted after the subscriber received READY. */
  'deleted when ready': 8,
} as const

/** `expired`: the URL is never used, and the upload is watched until it expires. */
export type Ending = keyof typeof endings | 'expired'

/** The plan of one upload. */
export interface UploadPlan {
  /** Unique name; also in `meta`, so that the uploads at the gateway and at Stream can be matched. */
  readonly key: string
  /** Whether `key` is sent as idempotency key, so that a retry creates no second upload. */
  readonly isKeyed: boolean
  readonly creator: string
  /** Start of the upload, in milliseconds after the start of the scenario. */
  readonly startMs: number
  readonly protocol: UploadProtocol
  readonly ending: Ending
  readonly maxDurationSeconds: number
  /** Size of the file of a tus upload; more than 5 MiB takes two chunks. */
  readonly sizeBytes: number
  /** Concurrent requests with the same key, each at another gateway if there are several. */
  readonly callers: number
  /** Index of the first gateway, modulo the number of gateways. */
  readonly gatewayIndex: number
  readonly watchesBy: 'SSE' | 'WebSocket'
}

export const creators = ['ada', 'bob', 'cleo', 'dora', 'emil', 'fay', 'gus', 'hana'] as const

/** The test card lasts 6 seconds. */
const SHORT_LIMIT_SECONDS = 3

export function planUploads(
  chance: Chance,
  uploads: number,
  overMs: number,
): readonly UploadPlan[] {
  return Array.from({ length: uploads }, (_, index) => {
    const ending = chance.weighted(endings)
    const isKeyed = chance.percent(85)
    const protocol = ending === 'interrupted' || chance.percent(45) ? 'TUS' : 'BASIC'
    return {
      key: isKeyed ? `key-${index}` : `bare-${index}`,
      isKeyed,
      creator: chance.oneOf(creators),
      startMs: Math.floor(chance.share() * overMs),
      protocol,
      ending,
      maxDurationSeconds: ending === 'too long' ? SHORT_LIMIT_SECONDS : chance.between(7, 900),
      // An interrupted upload needs a second chunk, which is never sent. Chunks have at least 5 MiB.
      sizeBytes:
        ending === 'interrupted'
          ? chance.between(6_000_000, 7_000_000)
          : chance.between(1_000_000, chance.percent(15) ? 6_500_000 : 3_000_000),
      callers: isKeyed && chance.percent(15) ? chance.between(2, 4) : 1,
      gatewayIndex: index,
      watchesBy: chance.percent(50) ? 'SSE' : 'WebSocket',
    }
  })
}

/** Plans uploads that expire, all started at once: the shortest expiry takes longer than the faults. */
export function planExpiringUploads(uploads: number): readonly UploadPlan[] {
  return Array.from({ length: uploads }, (_, index) => ({
    ...standardPlan(`expiring-${index}`, index),
    ending: 'expired',
  }))
}

/** A plan for a valid video of 1 MB; protocol and transport alternate by index. */
export function standardPlan(key: string, index: number): UploadPlan {
  return {
    key,
    isKeyed: true,
    creator: 'ada',
    startMs: 0,
    protocol: index % 2 === 0 ? 'BASIC' : 'TUS',
    ending: 'video',
    maxDurationSeconds: 60,
    sizeBytes: 1_000_000,
    callers: 1,
    gatewayIndex: index,
    watchesBy: index % 4 < 2 ? 'SSE' : 'WebSocket',
  }
}

/** Returns the status that the upload must reach. */
export function finalStatus({ ending }: UploadPlan): UploadStatus {
  switch (ending) {
    case 'video':
      return 'READY'
    case 'text file':
    case 'too long':
      return 'ERROR'
    case 'abandoned':
      return 'PENDING_UPLOAD'
    case 'interrupted':
      return 'UPLOADING'
    case 'expired':
      return 'EXPIRED'
    case 'deleted unused':
    case 'deleted while encoding':
    case 'deleted when ready':
      return 'DELETED'
  }
}
