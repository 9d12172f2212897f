/** What each creator is going to do, decided by the seed before anything starts. */
import type { UploadProtocol, UploadStatus } from '../../src/uploads/upload.ts'
import type { Chance } from './seed.ts'

/** What happens to the file: how much of it goes up, and what it is. */
const endings = {
  /** A video goes up and plays. */
  video: 46,
  /** A file of words goes up, and is refused. */
  words: 8,
  /** A video goes up that lasts longer than the URL was minted for. */
  'too long': 8,
  /** The URL is never used. */
  abandoned: 10,
  /** A tus upload stops after its first chunk. */
  interrupted: 6,
  /** Deleted before the first byte. */
  'deleted unused': 6,
  /** Deleted as soon as the last byte is in. */
  'deleted while encoding': 8,
  /** Deleted once the subscriber has seen READY. */
  'deleted when ready': 8,
} as const

export type Ending = keyof typeof endings

/** One creator's upload. */
export interface Item {
  /** What it is called; it travels in `meta` too, so that everybody's books can be compared. */
  readonly key: string
  /** Whether its name is its idempotency key, so that asking again makes nothing twice. */
  readonly isKeyed: boolean
  readonly creator: string
  /** When it begins, after the start of the storm. */
  readonly startMs: number
  readonly protocol: UploadProtocol
  readonly ending: Ending
  readonly maxDurationSeconds: number
  /** Size of the file where it is a tus upload; larger ones take two chunks. */
  readonly sizeBytes: number
  /** How many requests race with the same key, each at another gateway where there are several. */
  readonly callers: number
  /** Of the gateway at which it begins, where there are several: any whole number. */
  readonly place: number
  readonly watchesBy: 'SSE' | 'WebSocket'
}

export const creators = ['ada', 'bob', 'cleo', 'dora', 'emil', 'fay', 'gus', 'hana'] as const

/** The test card lasts 6 seconds. */
const TOO_SHORT_SECONDS = 3

export function planItems(chance: Chance, uploads: number, overMs: number): readonly Item[] {
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
      maxDurationSeconds: ending === 'too long' ? TOO_SHORT_SECONDS : chance.between(7, 900),
      // An interrupted one needs a second chunk that never comes: chunks have 5 MiB at least.
      sizeBytes:
        ending === 'interrupted'
          ? chance.between(6_000_000, 7_000_000)
          : chance.between(1_000_000, chance.percent(15) ? 6_500_000 : 3_000_000),
      callers: isKeyed && chance.percent(15) ? chance.between(2, 4) : 1,
      place: index,
      watchesBy: chance.percent(50) ? 'SSE' : 'WebSocket',
    }
  })
}

/** A video of a common size, whose kinds take turns by the place. */
export function plainItem(key: string, place: number): Item {
  return {
    key,
    isKeyed: true,
    creator: 'ada',
    startMs: 0,
    protocol: place % 2 === 0 ? 'BASIC' : 'TUS',
    ending: 'video',
    maxDurationSeconds: 60,
    sizeBytes: 1_000_000,
    callers: 1,
    place,
    watchesBy: place % 4 < 2 ? 'SSE' : 'WebSocket',
  }
}

/** How it must stand when everything has come to rest. */
export function statusAtRest({ ending }: Item): UploadStatus {
  switch (ending) {
    case 'video':
      return 'READY'
    case 'words':
    case 'too long':
      return 'ERROR'
    case 'abandoned':
      return 'PENDING_UPLOAD'
    case 'interrupted':
      return 'UPLOADING'
    case 'deleted unused':
    case 'deleted while encoding':
    case 'deleted when ready':
      return 'DELETED'
  }
}
