/** Takes uploads out of the list and out of Stream. */
import { useState } from 'preact/hooks'
import { UploadError, type UploadClient } from '../../client/client.ts'
import type { JourneyTerms } from '../queue/queue-item.ts'
import type { Queue } from '../queue/upload-queue.ts'
import type { Row } from '../rows/row.ts'

export interface Deletion {
  /** Uids that are out of sight already. */
  readonly leaving: ReadonlySet<string>
  /** Why the last one came back; null where none did. */
  readonly problem: string | null
  readonly remove: (row: Row) => Promise<void>
  /** Begins anew with a file that failed; what had come of it makes room. */
  readonly retry: (row: Row, terms: JourneyTerms) => Promise<void>
}

export function useDeletion(client: UploadClient, queue: Queue): Deletion {
  const [leaving, setLeaving] = useState<ReadonlySet<string>>(new Set())
  const [problem, setProblem] = useState<string | null>(null)

  async function takeOut(uid: string, name: string): Promise<void> {
    setProblem(null)
    setLeaving((before) => new Set([...before, uid]))
    try {
      await client.delete(uid)
    } catch (error) {
      setLeaving((before) => new Set([...before].filter((one) => one !== uid)))
      const why = error instanceof UploadError ? error.message : ''
      setProblem(`“${name}” is still there. ${why}`)
    }
  }

  return {
    leaving,
    problem,
    async remove({ uid, name, journey }) {
      if (journey !== null) queue.remove(journey)
      if (uid !== null) await takeOut(uid, name)
    },
    async retry({ uid, name, journey }, terms) {
      if (journey !== null) queue.retry(journey, terms)
      if (uid !== null) await takeOut(uid, name)
    },
  }
}
