/** Pages through uploads, newest first, from either end. */
import type { UploadPosition, UploadSelection } from './ports/upload-store.ts'
import type { Parts } from './dependencies.ts'
import type { Upload } from './upload.ts'
import type { Viewer } from './viewer.ts'

/** How many uploads one page has where the caller names no number, and at most. */
export const DEFAULT_PAGE_SIZE = 20
export const MAX_PAGE_SIZE = 100

/** A page as it is asked for: down from the newest, or up from the oldest. */
export interface PageRequest {
  readonly from: 'newest' | 'oldest'
  readonly size: number
  /** Only what is older than this. */
  readonly after: UploadPosition | null
  /** Only what is newer than this. */
  readonly before: UploadPosition | null
}

/** A page, always newest first. */
export interface UploadPage {
  readonly uploads: readonly Upload[]
  /** Whether there are older ones than the last. */
  readonly hasNextPage: boolean
  /** Whether there are newer ones than the first. */
  readonly hasPreviousPage: boolean
  /** What was selected, for counting it. */
  readonly selection: UploadSelection
}

/** Everybody but an administrator sees their own, whatever the filter names. */
export function selectionFor(viewer: Viewer, filter: UploadSelection): UploadSelection {
  if (viewer.isAdmin) return filter
  const foreign = filter.creator !== undefined && filter.creator !== viewer.subject
  return { ...filter, creator: viewer.subject, ...(foreign ? { statuses: [] } : {}) }
}

export async function listUploads(
  { store }: Pick<Parts, 'store'>,
  viewer: Viewer,
  filter: UploadSelection,
  page: PageRequest,
): Promise<UploadPage> {
  const selection = selectionFor(viewer, filter)
  const down = page.from === 'newest'
  const from = down ? page.after : page.before
  const until = down ? page.before : page.after
  // One more than asked for tells whether there is more.
  const found = await store.list(selection, {
    towards: down ? 'older' : 'newer',
    limit: page.size + 1,
    ...(from === null ? {} : { from }),
  })
  const within = until === null ? found : found.filter((upload) => isBetween(upload, until, down))
  const kept = within.slice(0, page.size)
  const more = within.length > page.size || within.length < found.length
  const uploads = down ? kept : kept.toReversed()
  return {
    uploads,
    hasNextPage: down ? more : page.before !== null,
    hasPreviousPage: down ? page.after !== null : more,
    selection,
  }
}

/** Whether the upload lies on this side of the far end of the page. */
function isBetween(upload: Upload, until: UploadPosition, down: boolean): boolean {
  const age = upload.createdAt.getTime() - until.createdAt.getTime()
  const order = age === 0 ? (upload.id < until.id ? -1 : upload.id > until.id ? 1 : 0) : age
  return down ? order > 0 : order < 0
}
