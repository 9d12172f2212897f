/** What a new version of an upload writes anew, whichever keeper it is written to. */

/** The columns that a recorded change sets. */
export const changedNames = [
  'status',
  'version',
  'updatedAt',
  'totalBytes',
  'receivedBytes',
  'encodingPercent',
  'failureCode',
  'failureMessage',
  'received',
  'durationSeconds',
  'width',
  'height',
  'sizeBytes',
  'hlsURL',
  'dashURL',
  'thumbnailURL',
  'previewURL',
  'readyAt',
  'describedAt',
  'goneAt',
  'reservedSeconds',
  'storedSeconds',
  'checkAt',
] as const
