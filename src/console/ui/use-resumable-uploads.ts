/** What this device remembers of uploads that are not finished. */
import { useEffect, useState } from 'preact/hooks'
import type { RememberedUpload, UploadClient } from '../../client/client.ts'
import type { Journey } from '../queue/queue-item.ts'

export function useRemembered(
  client: UploadClient,
  journeys: readonly Journey[],
): readonly RememberedUpload[] {
  const [remembered, setRemembered] = useState<readonly RememberedUpload[]>([])
  // It changes where a file is minted, sent or given up, and not with each byte.
  const steps = journeys.map(({ key, uid, state }) => `${key} ${uid} ${state}`).join()
  useEffect(() => {
    let isCurrent = true
    const read = async (): Promise<void> => {
      const found = await client.resumable()
      if (isCurrent) setRemembered(found)
    }
    void read()
    return () => {
      isCurrent = false
    }
  }, [client, steps])
  return remembered
}
