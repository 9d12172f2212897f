/** An upload as text, for whoever carries it from one process to another: dates and meta come out as they went in. */
import type { Upload } from '../uploads/upload.ts'

/** Fields that hold moments, wherever they stand; `meta`, which is the caller's, is written apart. */
const MOMENTS: ReadonlySet<string> = new Set([
  'expiresAt',
  'createdAt',
  'updatedAt',
  'describedAt',
  'goneAt',
  'deletedAt',
  'scheduledDeletion',
  'readyAt',
])

export function writeUpload({ meta, ...rest }: Upload): string {
  return JSON.stringify({ rest, meta: JSON.stringify(meta) })
}

/** Throws where the text is none of `writeUpload`. */
export function readUpload(text: string): Upload {
  const said: unknown = JSON.parse(text, (field, value: unknown) =>
    MOMENTS.has(field) && typeof value === 'string' ? new Date(value) : value,
  )
  if (isRecord(said) && isRecord(said['rest']) && typeof said['meta'] === 'string') {
    const meta: unknown = JSON.parse(said['meta'])
    const upload: unknown = { ...said['rest'], meta }
    if (isUpload(upload)) return upload
  }
  throw new Error('What came as an upload is none.')
}

/** Written by this very code: it is told apart from what somebody else wrote, not looked through. */
function isUpload(value: unknown): value is Upload {
  return (
    isRecord(value) &&
    typeof value['uid'] === 'string' &&
    typeof value['creator'] === 'string' &&
    typeof value['status'] === 'string' &&
    typeof value['version'] === 'number' &&
    value['createdAt'] instanceof Date &&
    isRecord(value['meta']) &&
    isRecord(value['constraints']) &&
    isRecord(value['progress'])
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
