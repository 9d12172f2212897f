/** Hook: resumable uploads of this device. */
import { useEffect, useState } from 'preact/hooks'
import type { ResumableUpload, UploadClient } from '../../client/client.ts'
import type { QueueItem } from '../queue/queue-item.ts'

export function useResumableUploads(
  client: UploadClient,
  items: readonly QueueItem[],
): readonly ResumableUpload[] {
  const [uploads, setUploads] = useState<readonly ResumableUpload[]>([])
  // The store changes when an upload is minted, sent or deleted, not with each progress event.
  const states = items.map(({ key, uid, state }) => `${key} ${uid} ${state}`).join()
  useEffect(() => {
    let isCurrent = true
    const read = async (): Promise<void> => {
      const found = await client.resumable()
      if (isCurrent) setUploads(found)
    }
    void read()
    return () => {
      isCurrent = false
    }
  }, [client, states])
  return uploads
}
