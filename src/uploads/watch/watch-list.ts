/** Use case: the first page of a list, then each change with its effect on the list. */
import type { Dependencies } from '../dependencies.ts'
import { MAX_PAGE_SIZE, type PageRequest, type UploadPage, listUploads } from '../list-uploads.ts'
import type { RateLimited } from '../outcomes.ts'
import type { UploadFilter } from '../ports/upload-store.ts'
import { type Upload, isTerminal } from '../upload.ts'
import type { Viewer } from '../viewer.ts'
import type { ChangeStream, UploadChanges } from './change-stream.ts'
import { openStream } from './watch-uploads.ts'

/** The page, which is the first event, or a change after it. */
export type UploadListEvent =
  /**
   * Reads the page when the event is executed. The events end if this fails.
   * @param inTurn calls the function when the page may be read
   */
  | { readonly readPage: (inTurn: InTurn) => Promise<UploadPage> }
  /** `isListed` is false if the upload is no longer in the list. */
  | { readonly changed: Upload; readonly isListed: boolean }

type InTurn = <T>(read: () => Promise<T>) => Promise<T>

/**
 * `return` releases all resources immediately, even while a change is awaited, or else when the page has been read:
 * so a caller cannot have more pages read at the same time than it can have subscriptions.
 */
export interface UploadListEvents
  extends
    AsyncIterableIterator<UploadListEvent, void, void>,
    Pick<UploadChanges, 'isInterrupted'> {}

/**
 * Streams the list: no change after the page is missing, and none that the page contains is repeated. Is
 * interrupted in the cases of `watchUploads`.
 */
export async function watchList(
  dependencies: Pick<Dependencies, 'store' | 'pubsub' | 'watchRegistry' | 'clock' | 'closing'>,
  viewer: Viewer,
  filter: UploadFilter,
  request: PageRequest,
): Promise<UploadListEvents | RateLimited> {
  const stream = await openStream(dependencies, viewer, filter.creator)
  if ('kind' in stream) return stream
  return listEvents(
    () => listUploads(dependencies, viewer, filter, request),
    stream.changes,
    watchOpenUploads(dependencies, stream),
  )
}

/** Maximum number of uploads that one subscription watches: those of the largest page. */
const MAX_WATCHED = MAX_PAGE_SIZE

/** Polls uploads of the list as often as those of `watchUpload`, from when they are seen until their last status. */
interface WatchedUploads {
  update(upload: Upload): void
}

function watchOpenUploads(
  { watchRegistry }: Pick<Dependencies, 'watchRegistry'>,
  stream: ChangeStream,
): WatchedUploads {
  const stops = new Map<string, () => void>()
  let isClosed = false
  stream.onClose(() => {
    isClosed = true
    for (const stop of stops.values()) stop()
    stops.clear()
  })
  return {
    update({ uid, status }) {
      if (isTerminal(status)) {
        stops.get(uid)?.()
        stops.delete(uid)
      } else if (!isClosed && !stops.has(uid) && stops.size < MAX_WATCHED) {
        stops.set(uid, watchRegistry.watch(uid))
      }
    },
  }
}

function listEvents(
  readUploads: () => Promise<UploadPage>,
  changes: UploadChanges,
  watched: WatchedUploads,
): UploadListEvents {
  let isFirst = true
  let isEnded = false
  let reading: Promise<unknown> | null = null
  /** Null until the page is read. Its uploads are not kept. */
  let list: {
    readonly versions: ReadonlyMap<string, number>
    readonly selection: UploadFilter
  } | null = null

  /** Changes wait in the stream meanwhile. */
  async function readPage(inTurn: InTurn): Promise<UploadPage> {
    const read = inTurn(() => {
      if (isEnded) throw new Error('The subscription has ended.')
      return readUploads()
    })
    reading = read
    const page = await read
    // The promise would keep the page as long as the subscription.
    reading = null
    const versions = new Map(page.uploads.map(({ uid, version }) => [uid, version]))
    list = { versions, selection: page.selection }
    for (const upload of page.uploads) watched.update(upload)
    return page
  }

  async function end(): Promise<IteratorResult<UploadListEvent, void>> {
    isEnded = true
    await reading?.catch(() => undefined)
    await changes.return?.()
    return { done: true, value: undefined }
  }

  return {
    async next() {
      if (isFirst) {
        isFirst = false
        return { done: false, value: { readPage } }
      }
      if (list === null) return end()
      const { versions, selection } = list
      for (;;) {
        const { done, value: changed } = await changes.next()
        if (done === true) return { done, value: undefined }
        const isNewer = changed.version > (versions.get(changed.uid) ?? -1)
        if (isNewer && canBeListed(changed, selection)) {
          watched.update(changed)
          const isListed = selection.statuses?.includes(changed.status) ?? true
          return { done: false, value: { changed, isListed } }
        }
      }
    },
    isInterrupted: changes.isInterrupted,
    return: end,
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/** Whether the upload matches the filter with some status. Nothing else that a filter names can change. */
function canBeListed(upload: Upload, filter: UploadFilter): boolean {
  const { creator, statuses, protocol, createdAfter, createdBefore } = filter
  return (
    (creator === undefined || upload.creator === creator) &&
    statuses?.length !== 0 &&
    (protocol === undefined || upload.protocol === protocol) &&
    (createdAfter === undefined || upload.createdAt > createdAfter) &&
    (createdBefore === undefined || upload.createdAt < createdBefore)
  )
}
