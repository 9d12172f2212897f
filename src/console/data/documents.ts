/** GraphQL documents of the console; selections and types come from `headgate/client`. */
import { type TypeOf, nullable, number, object } from '../../client/shape.ts'
import { uploadShape } from '../../client/gateway/upload.ts'

const usageShape = object({
  storedMinutes: number,
  reservedMinutes: number,
  availableMinutes: nullable(number),
  limitMinutes: nullable(number),
  videoCount: number,
})

const ERRORS = ['ForbiddenError', 'QuotaExceededError', 'RateLimitedError', 'StreamError']
  .map((name) => `... on ${name} { message }`)
  .join(' ')

export const UPDATE_UPLOAD = `mutation UpdateUpload($input: UpdateUploadInput!) {
  updateUpload(input: $input) {
    ... on UpdateUploadSuccess { upload ${uploadShape.selection} }
    ... on ConflictError { message currentVersion }
    ... on InvalidInputError { message issues { path message } }
    ... on UploadNotFoundError { message }
    ${ERRORS}
  }
}`
export interface UpdateUploadData {
  readonly updateUpload: {
    readonly upload?: TypeOf<typeof uploadShape>
    readonly message?: string
    readonly currentVersion?: number
    readonly issues?: readonly { readonly path: readonly string[]; readonly message: string }[]
  }
}
/** As in the schema; omitted fields stay as they are. */
export interface UpdateUploadVariables {
  readonly [name: string]: unknown
  readonly input: {
    readonly uid: string
    readonly expectedVersion: number
    readonly name?: string | null
    readonly requireSignedURLs?: boolean
    readonly thumbnailTimestampPct?: number
    readonly expiry?: string
  }
}

const limitsShape = object({
  maxDurationSeconds: number,
  maxSizeBytes: number,
  createsPerMinute: number,
  remainingUploads: nullable(number),
})

export const ME = `query Me { me { subject limits ${limitsShape.selection} } }`
export interface MeData {
  readonly me: { readonly subject: string; readonly limits: CallerLimits }
}
/** The caller's limits. `remainingUploads` is null if its token does not limit their number. */
export type CallerLimits = TypeOf<typeof limitsShape>

export const STORAGE = `query Storage { storageUsage ${usageShape.selection} }`
export interface StorageData {
  readonly storageUsage: TypeOf<typeof usageShape>
}
