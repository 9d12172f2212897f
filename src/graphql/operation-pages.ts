/**
 * Reads the pages of one operation: ten pages of uploads with large metas take half a second and 40 MB. They are read
 * one after the other, each in a turn of the caller, and only by a few operations at the same time.
 */
import type { PageTurns, PagesPlace } from '../uploads/ports/page-turns.ts'

export interface OperationPages {
  /**
   * Reads a page when it is its turn. Rejects if the operation has ended.
   * @param entries maximum number of uploads on the page
   */
  read<T>(entries: number, read: () => Promise<T>): Promise<T>
  /** Must be called when the operation ends: pages that have not been read are no longer needed. */
  end(): void
}

/** Uploads that an operation reads without waiting for a turn: the default page size, which takes a millisecond. */
const MAX_ENTRIES_AT_ONCE = 20

const ignore = (): void => undefined

export function createOperationPages(turns: PageTurns, caller: string): OperationPages {
  let pages = 0
  let unread = 0
  let entriesOfAll = 0
  let isEnded = false
  /** Null while the operation takes no turns. */
  let place: PagesPlace | null = null
  /** Resolves, without a value, when the last page was read or has failed: a subscription keeps it long after that. */
  let tail: Promise<void> = Promise.resolve()

  async function begin(): Promise<void> {
    // All pages of a query are requested in one tick.
    await Promise.resolve()
    if (entriesOfAll <= MAX_ENTRIES_AT_ONCE) return
    place = await turns.enter(caller, entriesOfAll)
    if (isEnded) place.end()
  }

  async function readInTurn<T>(read: () => Promise<T>): Promise<T> {
    if (place === null) return read()
    await turns.next(caller)
    if (isEnded) throw new Error('The operation has ended.')
    const page = await read()
    // The results of a shared database arrive together, those of all its connections in one tick.
    await turns.next(caller)
    return page
  }

  return {
    read(entries, read) {
      pages += 1
      unread += 1
      entriesOfAll += entries
      const before = pages === 1 ? begin() : tail
      const page = before
        .then(() => readInTurn(read))
        .finally(() => {
          unread -= 1
          if (unread === 0) place?.endReading()
        })
      tail = page.then(ignore, ignore)
      return page
    },
    end() {
      if (isEnded) return
      isEnded = true
      place?.end()
    },
  }
}
