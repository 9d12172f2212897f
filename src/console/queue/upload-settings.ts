/** Upload settings of one selected file, within the limits of the caller. */
import type { Upload, UploadClient, UploadSettings } from '../../client/client.ts'
import { maxDurationFor } from '../../client/upload-input.ts'
import type { CallerLimits } from '../data/documents.ts'
import { fileFailure, videoFailure } from './check-limits.ts'
import type { Failure, QueueItemSettings } from './queue-item.ts'
import { durationToReserve, readDuration } from './video-duration.ts'

type ClientSettings = UploadSettings & { readonly reliableConnection?: boolean | undefined }

/** The settings, or why the file is not uploaded. */
export type SettingsOutcome =
  | { readonly kind: 'settings'; readonly settings: ClientSettings }
  | { readonly kind: 'rejected'; readonly failure: Failure }

/**
 * Prefers the settings of a resumable upload of the same file over the selected ones.
 * @param limits of the caller; null if unknown: the gateway checks them too
 */
export async function uploadSettingsFor(
  client: UploadClient,
  file: File,
  { maxDurationSeconds, reliableConnection, isPrivate }: QueueItemSettings,
  limits: CallerLimits | null,
): Promise<SettingsOutcome> {
  const connection = reliableConnection === null ? {} : { reliableConnection }
  const resumable = await findConstraints(client, file)
  if (resumable !== null) {
    const { requireSignedURLs, maxDurationSeconds: reserved } = resumable
    return settingsOf(connection, requireSignedURLs, reserved)
  }
  const failure = limits === null ? null : fileFailure(file, limits)
  if (failure !== null) return { kind: 'rejected', failure }

  const duration = maxDurationSeconds === null ? await readDuration(file) : null
  const seconds =
    maxDurationSeconds ??
    (duration === null ? maxDurationFor(file.size) : durationToReserve(duration))
  if (limits === null) return settingsOf(connection, isPrivate, seconds)
  const needed = maxDurationSeconds ?? duration ?? 0
  // Only what rounding and the margin add is cut off.
  const reserved = Math.min(seconds, Math.max(limits.maxDurationSeconds, needed))
  const rejection = videoFailure(reserved, limits)
  return rejection === null
    ? settingsOf(connection, isPrivate, reserved)
    : { kind: 'rejected', failure: rejection }
}

function settingsOf(
  connection: Pick<ClientSettings, 'reliableConnection'>,
  isPrivate: boolean,
  maxDurationSeconds: number,
): SettingsOutcome {
  return {
    kind: 'settings',
    settings: {
      ...connection,
      // Omitted for a public video, as in uploads that an earlier version of this page began.
      ...(isPrivate ? { requireSignedURLs: true } : {}),
      maxDurationSeconds,
    },
  }
}

/** The client resumes only with equal settings, which the gateway knows. */
async function findConstraints(
  client: UploadClient,
  file: File,
): Promise<Upload['constraints'] | null> {
  const resumable = await client.resumable()
  const match = resumable.find(
    ({ name, sizeBytes }) => name === file.name && sizeBytes === file.size,
  )
  if (match === undefined) return null
  const upload = await client.find(match.uid)
  return upload?.constraints ?? null
}
