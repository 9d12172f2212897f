/**
 * Reads the pages of one operation: ten pages of uploads with large metas take half a second and 40 MB. The only
 * page of an operation is read at once. Several are read one after the other, each in a turn of the caller, and
 * only by a few operations at the same time.
 */
import type { PageTurns } from '../uploads/ports/page-turns.ts'

export interface OperationPages {
  /** Reads a page when it is its turn. Rejects if the operation has ended. */
  read<T>(read: () => Promise<T>): Promise<T>
  /** Must be called when the operation ends: pages that have not been read are no longer needed. */
  end(): void
}

export function createOperationPages(turns: PageTurns, caller: string): OperationPages {
  let count = 0
  let isEnded = false
  let leave: (() => void) | null = null
  /** The last page. */
  let tail: Promise<unknown> = Promise.resolve()

  async function begin(): Promise<void> {
    // All pages of a query are requested in one tick.
    await Promise.resolve()
    if (count === 1) return
    leave = await turns.enter(caller)
    if (isEnded) leave()
  }

  return {
    read(read) {
      count += 1
      const previous = tail.catch(() => undefined)
      const turn = count === 1 ? begin() : previous.then(() => turns.next(caller))
      const page = turn.then(() => {
        if (isEnded) throw new Error('The operation has ended.')
        return read()
      })
      tail = page
      return page
    },
    end() {
      if (isEnded) return
      isEnded = true
      leave?.()
    },
  }
}
