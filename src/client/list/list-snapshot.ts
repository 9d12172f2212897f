/** What a live list shows. */
import type { Upload } from '../gateway/upload.ts'
import type { UploadError } from '../upload-error.ts'

/** What the list contains now. A new object after each change. */
export interface UploadListSnapshot {
  /** Newest first. Stays as it is while the list is not live. */
  readonly uploads: readonly Upload[]
  /** Whether no page was received yet, and no attempt failed. */
  readonly isLoading: boolean
  /** Whether the list is current, and receives every change. */
  readonly isLive: boolean
  /** Whether older uploads match the filter, which `loadMore` adds. */
  readonly hasMore: boolean
  readonly isLoadingMore: boolean
  /** Why the last attempt to connect or to load more failed; null after a success. Connecting is retried. */
  readonly error: UploadError | null
}

/** What a list contains before its first page. */
export const LOADING_LIST: UploadListSnapshot = {
  uploads: [],
  isLoading: true,
  isLive: false,
  hasMore: false,
  isLoadingMore: false,
  error: null,
}
