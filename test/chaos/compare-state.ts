/** Reads all uploads of the gateway and all videos of Stream, and compares them. */
import { z } from 'zod'
import { type UploadStatus, uploadStatuses } from '../../src/uploads/upload.ts'
import type { EmulatorState } from '../kit/emulator.ts'
import { readUploads } from './read-uploads.ts'
import type { RetryingClient } from './retrying-client.ts'
import type { Setup } from './setup.ts'

const uploadSchema = z.object({
  uid: z.string(),
  status: z.enum(uploadStatuses),
  version: z.number(),
  meta: z.object({ chaos: z.string().optional() }),
  progress: z.object({ receivedBytes: z.number().nullable() }),
  history: z.array(z.object({ status: z.enum(uploadStatuses), at: z.iso.datetime() })),
  video: z.object({ readyAt: z.iso.datetime().nullable() }).nullable(),
})
/** An upload as an administrator reads it. */
export type KnownUpload = z.infer<typeof uploadSchema>

/** Reads every upload of the gateway, newest first. */
export function allUploads(admin: RetryingClient): Promise<readonly KnownUpload[]> {
  return readUploads(
    admin,
    uploadSchema,
    'uid status version meta progress { receivedBytes } history { status at } video { readyAt }',
  )
}

/** State of the gateway and of Stream at about the same time. */
export interface States {
  readonly uploads: readonly KnownUpload[]
  readonly reservedSeconds: number
  readonly stream: EmulatorState
}

const usageSchema = z.object({ storageUsage: z.object({ reservedMinutes: z.number() }) })

export async function readStates({ admin, emulator }: Setup): Promise<States> {
  const uploads = await allUploads(admin)
  const { storageUsage } = await admin.request(usageSchema, '{ storageUsage { reservedMinutes } }')
  // The API returns fractional minutes; the reservations are whole seconds.
  const reservedSeconds = Math.round(storageUsage.reservedMinutes * 60 * 1e6) / 1e6
  return { uploads, reservedSeconds, stream: await emulator.state() }
}

type StreamVideo = EmulatorState['videos'][number]

/** Returns the upload status that the gateway must report for a video at Stream. */
export function expectedStatus(video: StreamVideo | undefined): UploadStatus {
  if (video === undefined) return 'DELETED'
  switch (video.state) {
    case 'pendingupload':
      if (video.expired) return 'EXPIRED'
      return video.receivedBytes > 0 ? 'UPLOADING' : 'PENDING_UPLOAD'
    case 'queued':
      return 'QUEUED'
    case 'inprogress':
      return 'IN_PROGRESS'
    case 'ready':
      return 'READY'
    case 'error':
      return 'ERROR'
  }
}

/** Differences between the gateway and Stream, by kind. */
export interface Differences {
  readonly wrongStatus: readonly string[]
  readonly unknownVideos: readonly string[]
  readonly duplicateKeys: readonly string[]
  /** Seconds reserved by the gateway minus seconds reserved at Stream. */
  readonly excessReservedSeconds: number
}

export function compareStates({ uploads, reservedSeconds, stream }: States): Differences {
  const videos = new Map(stream.videos.map((video) => [video.uid, video]))
  const known = new Set(uploads.map(({ uid }) => uid))
  return {
    wrongStatus: uploads.flatMap(({ uid, status, progress }) => {
      const video = videos.get(uid)
      const expected = expectedStatus(video)
      if (status !== expected) return [`${uid} is ${status}, at Stream ${expected}`]
      if (expected !== 'UPLOADING' || progress.receivedBytes === video?.receivedBytes) return []
      return [`${uid} has ${progress.receivedBytes} bytes, at Stream ${video?.receivedBytes}`]
    }),
    unknownVideos: stream.videos
      .filter(({ uid }) => !known.has(uid))
      .map(({ uid, meta, state }) => `${uid} (${keyIn(meta) ?? 'no key'}, ${state})`),
    duplicateKeys: [
      ...findDuplicates(uploads.map(({ uid, meta }) => ({ uid, key: meta.chaos }))),
      ...findDuplicates(stream.videos.map(({ uid, meta }) => ({ uid, key: keyIn(meta) }))),
    ],
    excessReservedSeconds: reservedSeconds - stream.reservedSeconds,
  }
}

function keyIn(meta: StreamVideo['meta']): string | undefined {
  const key = meta['chaos']
  return typeof key === 'string' ? key : undefined
}

function findDuplicates(entries: readonly { uid: string; key: string | undefined }[]): string[] {
  const uids = new Map<string, Set<string>>()
  for (const { uid, key } of entries) {
    if (key !== undefined) uids.set(key, (uids.get(key) ?? new Set()).add(uid))
  }
  return [...uids]
    .filter(([, ofKey]) => ofKey.size > 1)
    .map(([key, ofKey]) => `${key}: ${[...ofKey].join(', ')}`)
}

export function hasNoDifferences(differences: Differences): boolean {
  const { wrongStatus, unknownVideos, duplicateKeys, excessReservedSeconds } = differences
  return (
    wrongStatus.length + unknownVideos.length + duplicateKeys.length === 0 &&
    excessReservedSeconds === 0
  )
}
