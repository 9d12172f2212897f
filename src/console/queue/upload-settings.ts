/** Upload settings of one selected file. */
import type { UploadClient, UploadSettings } from '../../client/client.ts'
import type { QueueItemSettings } from './queue-item.ts'
import { durationToReserve } from './video-duration.ts'

type ClientSettings = UploadSettings & { readonly reliableConnection?: boolean | undefined }

/** Prefers the settings of a resumable upload of the same file over the selected ones. */
export async function uploadSettingsFor(
  client: UploadClient,
  file: File,
  { maxDurationSeconds, reliableConnection }: QueueItemSettings,
): Promise<ClientSettings> {
  const connection = reliableConnection === null ? {} : { reliableConnection }
  const reserved = await findReservedSeconds(client, file)
  const seconds = reserved ?? maxDurationSeconds ?? (await durationToReserve(file))
  return { ...connection, ...(seconds === null ? {} : { maxDurationSeconds: seconds }) }
}

/** The client resumes only with equal settings; the reserved duration is known to the gateway. */
async function findReservedSeconds(client: UploadClient, file: File): Promise<number | null> {
  const resumable = await client.resumable()
  const match = resumable.find(
    ({ name, sizeBytes }) => name === file.name && sizeBytes === file.size,
  )
  if (match === undefined) return null
  const upload = await client.find(match.uid)
  return upload?.constraints.maxDurationSeconds ?? null
}
