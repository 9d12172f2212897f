/** Hook: deletes uploads, and hides them immediately. */
import { useState } from 'preact/hooks'
import { UploadError, type UploadClient } from '../../client/client.ts'
import type { QueueItemSettings } from '../queue/queue-item.ts'
import type { UploadQueue } from '../queue/upload-queue.ts'
import type { Row } from '../rows/row.ts'

export interface DeleteUpload {
  /** Uids of deleted or pending uploads, which are hidden. */
  readonly hiddenUids: ReadonlySet<string>
  /** Error of the last deletion; null otherwise. */
  readonly problem: string | null
  readonly remove: (row: Row) => Promise<void>
  /** Uploads a failed file again, and deletes its failed upload to free storage. */
  readonly retry: (row: Row, settings: QueueItemSettings) => Promise<void>
}

export function useDeleteUpload(client: UploadClient, queue: UploadQueue): DeleteUpload {
  const [hiddenUids, setHiddenUids] = useState<ReadonlySet<string>>(new Set())
  const [problem, setProblem] = useState<string | null>(null)

  async function deleteUpload(uid: string, name: string): Promise<void> {
    setProblem(null)
    setHiddenUids((uids) => new Set([...uids, uid]))
    try {
      await client.delete(uid)
    } catch (error) {
      setHiddenUids((uids) => new Set([...uids].filter((hiddenUid) => hiddenUid !== uid)))
      const reason = error instanceof UploadError ? error.message : ''
      setProblem(`“${name}” was not deleted. ${reason}`)
    }
  }

  return {
    hiddenUids,
    problem,
    async remove({ uid, name, item }) {
      if (item !== null) queue.remove(item)
      if (uid !== null) await deleteUpload(uid, name)
    },
    async retry({ uid, name, item }, settings) {
      if (item !== null) queue.retry(item, settings)
      if (uid !== null) await deleteUpload(uid, name)
    },
  }
}
