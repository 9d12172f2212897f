'use client'
/** `headgate/react`: hooks that upload files, and show uploads and videos as they change. */
export {
  UploadClientProvider,
  type UploadClientProviderProps,
  useUploadClient,
} from './upload-client-provider.ts'
export type { UsePlaybackResult } from './playback-source.ts'
export type { UseUploadResult } from './upload-source.ts'
export { usePlayback } from './use-playback.ts'
export { useUpload } from './use-upload.ts'
export { type UseUploadListResult, useUploadList } from './use-upload-list.ts'
export { type UseUploadsResult, useUploads } from './use-uploads.ts'
