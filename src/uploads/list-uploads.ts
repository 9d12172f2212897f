/** Use case: pages through uploads in either direction; every page is newest first. */
import type { UploadCursor, UploadFilter } from './ports/upload-store.ts'
import type { Dependencies } from './dependencies.ts'
import { type Upload, listedStatuses } from './upload.ts'
import type { Viewer } from './viewer.ts'

/** Default and maximum page size. */
export const DEFAULT_PAGE_SIZE = 20
export const MAX_PAGE_SIZE = 100

/** A requested page, starting at the newest or the oldest upload. */
export interface PageRequest {
  readonly from: 'newest' | 'oldest'
  readonly size: number
  /** Only uploads older than this cursor. */
  readonly after: UploadCursor | null
  /** Only uploads newer than this cursor. */
  readonly before: UploadCursor | null
}

/** One page, newest first. */
export interface UploadPage {
  readonly uploads: readonly Upload[]
  /** Whether older uploads follow. */
  readonly hasNextPage: boolean
  /** Whether newer uploads precede. */
  readonly hasPreviousPage: boolean
  /** The effective filter, for counting. */
  readonly selection: UploadFilter
}

/**
 * Leaves out deleted uploads if the filter names no status, and restricts it to the viewer's own uploads, except
 * for administrators.
 */
function effectiveFilter(viewer: Viewer, filter: UploadFilter): UploadFilter {
  const listed = { statuses: listedStatuses, ...filter }
  if (viewer.isAdmin) return listed
  const foreign = filter.creator !== undefined && filter.creator !== viewer.subject
  return { ...listed, creator: viewer.subject, ...(foreign ? { statuses: [] } : {}) }
}

export async function listUploads(
  { store }: Pick<Dependencies, 'store'>,
  viewer: Viewer,
  filter: UploadFilter,
  page: PageRequest,
): Promise<UploadPage> {
  const selection = effectiveFilter(viewer, filter)
  const down = page.from === 'newest'
  const from = down ? page.after : page.before
  const until = down ? page.before : page.after
  // One extra row tells whether there are more.
  const found = await store.list(selection, {
    direction: down ? 'older' : 'newer',
    limit: page.size + 1,
    ...(from === null ? {} : { from }),
  })
  const within = until === null ? found : found.filter((upload) => isBetween(upload, until, down))
  const pageUploads = within.slice(0, page.size)
  const hasMore = within.length > page.size || within.length < found.length
  const uploads = down ? pageUploads : pageUploads.toReversed()
  return {
    uploads,
    hasNextPage: down ? hasMore : page.before !== null,
    hasPreviousPage: down ? page.after !== null : hasMore,
    selection,
  }
}

/** Whether the upload lies before the far end of the page. */
function isBetween(upload: Upload, until: UploadCursor, down: boolean): boolean {
  const age = upload.createdAt.getTime() - until.createdAt.getTime()
  const order = age === 0 ? (upload.id < until.id ? -1 : upload.id > until.id ? 1 : 0) : age
  return down ? order > 0 : order < 0
}
