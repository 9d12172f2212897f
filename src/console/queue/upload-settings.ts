/** The terms that a file is uploaded with. */
import type { UploadClient, UploadTerms } from '../../client/client.ts'
import type { JourneyTerms } from './queue-item.ts'
import { reservationFor } from './video-duration.ts'

type Terms = UploadTerms & { readonly reliableConnection?: boolean | undefined }

/** Those of an earlier, unfinished upload of the same file, so that it goes on; else what was chosen. */
export async function termsFor(
  client: UploadClient,
  file: File,
  { maxDurationSeconds, reliableConnection }: JourneyTerms,
): Promise<Terms> {
  const connection = reliableConnection === null ? {} : { reliableConnection }
  const earlier = await reservedEarlier(client, file)
  const seconds = earlier ?? maxDurationSeconds ?? (await reservationFor(file))
  return { ...connection, ...(seconds === null ? {} : { maxDurationSeconds: seconds }) }
}

/** The client knows a file again by its terms too, and these are the gateway's to tell. */
async function reservedEarlier(client: UploadClient, file: File): Promise<number | null> {
  const remembered = await client.resumable()
  const match = remembered.find(
    ({ name, sizeBytes }) => name === file.name && sizeBytes === file.size,
  )
  if (match === undefined) return null
  const upload = await client.find(match.uid)
  return upload?.constraints.maxDurationSeconds ?? null
}
