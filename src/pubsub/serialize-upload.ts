/** Converts an upload to JSON text and back, preserving dates and `meta`. */
import { isRecord } from '../shared/json.ts'
import type { Upload } from '../uploads/upload.ts'

/** Names of date fields at any depth. `meta` belongs to the caller and is serialized separately. */
const DATE_FIELDS: ReadonlySet<string> = new Set([
  'expiresAt',
  'createdAt',
  'updatedAt',
  'describedAt',
  'settingsAt',
  'goneAt',
  'deletedAt',
  'scheduledDeletion',
  'readyAt',
])

export function serializeUpload({ meta, ...rest }: Upload): string {
  return JSON.stringify({ rest, meta: JSON.stringify(meta) })
}

/** Throws if the text was not written by `serializeUpload`. */
export function deserializeUpload(text: string): Upload {
  const parsed: unknown = JSON.parse(text, (field, value: unknown) =>
    DATE_FIELDS.has(field) && typeof value === 'string' ? new Date(value) : value,
  )
  if (isRecord(parsed) && isRecord(parsed['rest']) && typeof parsed['meta'] === 'string') {
    const meta: unknown = JSON.parse(parsed['meta'])
    const upload: unknown = { ...parsed['rest'], meta }
    if (isUpload(upload)) return upload
  }
  throw new Error('Invalid serialized upload.')
}

/** Checks a few fields only: detects text not written by `serializeUpload`, not every invalid field. */
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
