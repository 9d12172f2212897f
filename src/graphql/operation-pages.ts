/**
 * Reads the pages of one operation: ten pages of uploads with large metas take half a second and 40 MB. Several are
 * read one after the other, each in a turn of the caller, and only by a few operations at the same time.
 */
import type { PageTurns } from '../uploads/ports/page-turns.ts'
import type { UploadStore } from '../uploads/ports/upload-store.ts'

export interface OperationPages {
  /**
   * Reads a page when it is its turn. Rejects if the operation has ended.
   * @param entries maximum number of uploads on the page
   */
  read<T>(entries: number, read: () => Promise<T>): Promise<T>
  /** Must be called when the operation ends: pages that have not been read are no longer needed. */
  end(): void
}

/** Uploads that an operation reads without waiting for a turn: at most a millisecond, and the default page size. */
const MAX_ENTRIES_AT_ONCE = 20

export function createOperationPages(
  turns: PageTurns,
  { isShared }: Pick<UploadStore, 'isShared'>,
  caller: string,
): OperationPages {
  let pages = 0
  let entriesOfAll = 0
  let isEnded = false
  /** Null while the operation takes no turns. */
  let leave: (() => void) | null = null
  /** The last page. */
  let tail: Promise<unknown> = Promise.resolve()

  /**
   * The only page of an operation is read at once from an embedded database: the request waited for its turn. The
   * results of a shared one arrive together, those of all its connections in one tick.
   */
  async function begin(): Promise<void> {
    // All pages of a query are requested in one tick.
    await Promise.resolve()
    if (entriesOfAll <= MAX_ENTRIES_AT_ONCE || (pages === 1 && !isShared)) return
    leave = await turns.enter(caller, entriesOfAll)
    if (isEnded) leave()
  }

  async function readInTurn<T>(read: () => Promise<T>): Promise<T> {
    if (isEnded) throw new Error('The operation has ended.')
    const page = await read()
    if (isShared && leave !== null) await turns.next(caller)
    return page
  }

  return {
    read(entries, read) {
      pages += 1
      entriesOfAll += entries
      const before =
        pages === 1
          ? begin()
          : tail
              .catch(() => undefined)
              .then(() => (leave === null || isShared ? undefined : turns.next(caller)))
      const page = before.then(() => readInTurn(read))
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
