/** Fills databases with uploads, through the gateway's own store. */
import { createHash } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'
import { createSqliteStore } from 'headgate'

type Store = ReturnType<typeof createSqliteStore>

/** Creators of the uploads, each of the same number. */
export const CREATORS: readonly string[] = Array.from({ length: 20 }, (_, at) => `creator-${at}`)

/** Creators of new uploads in the rows that compare few creators with many. */
export const THOUSAND_CREATORS: readonly string[] = Array.from(
  { length: 1000 },
  (_, at) => `creator-${at}`,
)

/** One of so many uploads is PENDING_UPLOAD; the others are READY. */
const PENDING_EVERY = 5
/** Number of concurrent writes, which share commits. */
const CONCURRENCY = 500
const HOUR_MS = 3_600_000
/** Linux's in-memory file system: seeding needs no durable commits. */
const MEMORY = '/dev/shm'

export function creatorOf(at: number): string {
  return CREATORS[at % CREATORS.length] ?? ''
}

/** 32 hex digits, the same in every run. */
export function uidOf(at: number): string {
  return createHash('md5').update(String(at)).digest('hex')
}

/** Whether the upload at this index is PENDING_UPLOAD. */
export function isPending(at: number): boolean {
  return Math.floor(at / CREATORS.length) % PENDING_EVERY === 0
}

/** Writes `uploads` uploads into a new database file. */
export async function seed(file: string, uploads: number): Promise<void> {
  const folder = existsSync(MEMORY) ? mkdtempSync(join(MEMORY, 'headgate-')) : null
  const written = folder === null ? file : join(folder, 'seed.db')
  try {
    const store = createSqliteStore(written)
    await fill(store, uploads)
    await store.close()
    if (written !== file) copyToDisk(written, file)
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true })
  }
}

/** Writes `uploads` uploads into an empty store. */
export async function fill(store: Store, uploads: number): Promise<void> {
  for (let from = 0; from < uploads; from += CONCURRENCY) {
    const some = Math.min(CONCURRENCY, uploads - from)
    await Promise.all(Array.from({ length: some }, (_, at) => writeOne(store, from + at, uploads)))
  }
}

/** Copies and syncs the file, so that pending writes do not delay the measured commits. */
function copyToDisk(from: string, to: string): void {
  copyFileSync(from, to)
  const copy = openSync(to, 'r+')
  fsyncSync(copy)
  closeSync(copy)
}

async function writeOne(store: Store, at: number, uploads: number): Promise<void> {
  const uid = uidOf(at)
  const id = `${uid.slice(0, 8)}-${uid.slice(8, 12)}-${uid.slice(12, 16)}-${uid.slice(16, 20)}-${uid.slice(20)}`
  const now = Date.now()
  // Ten per second, the newest 25 hours ago. The URLs expire and the polls are due long after the run; for
  // younger uploads, the gateway would take such polls for the result of a wrong clock.
  const createdAt = new Date(now - 25 * HOUR_MS - (uploads - at) * 100)
  const creator = creatorOf(at)
  const reservation = {
    id,
    protocol: 'BASIC' as const,
    creator,
    requestedBy: creator,
    name: `Upload ${at}`,
    meta: {},
    constraints: {
      maxDurationSeconds: 60,
      maxSizeBytes: 200_000_000,
      allowedOrigins: [],
      requireSignedURLs: false,
      scheduledDeletion: null,
    },
    expiresAt: new Date(now + 24 * HOUR_MS),
    createdAt,
    totalBytes: null,
    idempotencyKey: null,
    fingerprint: uid,
  }
  await store.reserve(reservation, { creatorQuotaSeconds: null, keysValidSince: new Date(0) })
  const later = new Date(now + 24 * HOUR_MS)
  const uploadURL = `https://upload.videodelivery.net/${uid}`
  const upload = await store.mint(reservation, { uid, uploadURL }, createdAt, later)
  if (upload === null) throw new Error('Reservation not found.')
  if (isPending(at)) return
  const readyAt = new Date(createdAt.getTime() + 10_000)
  const customer = `https://customer-local.cloudflarestream.com/${uid}`
  await store.saveVersion({
    upload: {
      ...upload,
      status: 'READY',
      version: upload.version + 1,
      updatedAt: readyAt,
      progress: { totalBytes: 4_190_963, receivedBytes: 4_190_963, encodingPercent: 100 },
      video: {
        durationSeconds: 5.5,
        width: 1280,
        height: 720,
        sizeBytes: 4_190_963,
        hlsURL: `${customer}/manifest/video.m3u8`,
        dashURL: `${customer}/manifest/video.mpd`,
        thumbnailURL: `${customer}/thumbnails/thumbnail.jpg`,
        previewURL: `${customer}/watch`,
        readyAt,
      },
      describedAt: readyAt,
    },
    event: { status: 'READY', source: 'WEBHOOK', at: readyAt },
    quotaUsage: { reservedSeconds: 0, storedSeconds: 6 },
    pollAt: null,
    callback: null,
  })
}
