/** Upload settings of one selected file. */
import type { Upload, UploadClient, UploadSettings } from '../../client/client.ts'
import type { QueueItemSettings } from './queue-item.ts'
import { durationToReserve } from './video-duration.ts'

type ClientSettings = UploadSettings & { readonly reliableConnection?: boolean | undefined }

/** Prefers the settings of a resumable upload of the same file over the selected ones. */
export async function uploadSettingsFor(
  client: UploadClient,
  file: File,
  { maxDurationSeconds, reliableConnection, isPrivate }: QueueItemSettings,
): Promise<ClientSettings> {
  const connection = reliableConnection === null ? {} : { reliableConnection }
  const resumable = await findConstraints(client, file)
  const seconds =
    resumable?.maxDurationSeconds ?? maxDurationSeconds ?? (await durationToReserve(file))
  return {
    ...connection,
    // Omitted for a public video, as in uploads that an earlier version of this page began.
    ...((resumable?.requireSignedURLs ?? isPrivate) ? { requireSignedURLs: true } : {}),
    ...(seconds === null ? {} : { maxDurationSeconds: seconds }),
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
