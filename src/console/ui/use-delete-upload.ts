/** Hook: deletes uploads, and hides them immediately. */
import { useState } from 'preact/hooks'
import { UploadError, type UploadClient } from '../../client/client.ts'
import type { ConsoleQueue, FileSettings } from '../queue/upload-queue.ts'
import type { Row } from '../rows/row.ts'

export interface DeleteUpload {
  /** Uids of deleted or pending uploads, which are hidden. */
  readonly hiddenUids: ReadonlySet<string>
  /** Error of the last deletion; null otherwise. */
  readonly problem: string | null
  readonly remove: (row: Row) => Promise<void>
  /** Uploads a failed file again, and deletes its upload if it cannot be resumed. */
  readonly retry: (row: Row, settings: FileSettings) => Promise<void>
}

export function useDeleteUpload(client: UploadClient, queue: ConsoleQueue): DeleteUpload {
  const [hiddenUids, setHiddenUids] = useState<ReadonlySet<string>>(new Set())
  const [problem, setProblem] = useState<string | null>(null)

  async function attempt({ uid, name }: Row, deletion: () => Promise<unknown>): Promise<void> {
    setProblem(null)
    if (uid !== null) setHiddenUids((uids) => new Set([...uids, uid]))
    try {
      await deletion()
    } catch (error) {
      setHiddenUids((uids) => new Set([...uids].filter((hiddenUid) => hiddenUid !== uid)))
      const reason = error instanceof UploadError ? error.message : ''
      setProblem(`“${name}” was not deleted. ${reason}`)
    }
  }

  return {
    hiddenUids,
    problem,
    async remove(row) {
      const { uid, item, interrupted } = row
      const queued = item ?? interrupted
      await attempt(row, async () => {
        // The queue also knows of an upload that is being minted.
        if (queued !== null && queued.state !== 'ready') await queue.cancel(queued.id)
        else {
          if (queued !== null) queue.remove(queued.id)
          if (uid !== null) await client.delete(uid)
        }
      })
    },
    async retry(row, settings) {
      const { uid, item } = row
      if (item === null) return
      queue.retry(item.id, settings)
      if (uid !== null && item.error?.code === 'VIDEO_FAILED')
        await attempt(row, () => client.delete(uid))
    },
  }
}
