/** GraphQL documents of the console; selections and types come from `headgate/client`. */
import { type TypeOf, flag, list, nullable, number, object, text } from '../../client/shape.ts'
import { uploadShape } from '../../client/gateway/upload.ts'

const uploadsShape = object({
  edges: list(object({ cursor: text, node: uploadShape })),
  pageInfo: object({ hasNextPage: flag, endCursor: nullable(text) }),
})
const usageShape = object({
  storedMinutes: number,
  reservedMinutes: number,
  availableMinutes: nullable(number),
  limitMinutes: nullable(number),
  videoCount: number,
})

export const UPLOADS = `query Uploads($first: Int!, $after: String, $filter: UploadFilter) {
  uploads(first: $first, after: $after, filter: $filter) ${uploadsShape.selection}
}`
export interface UploadsData {
  readonly uploads: TypeOf<typeof uploadsShape>
}
export interface UploadsVariables {
  readonly [name: string]: unknown
  readonly first: number
  readonly after?: string
  readonly filter: { readonly status: readonly string[] }
}

export const UPLOADS_CHANGED = `subscription UploadsChanged {
  uploadsChanged ${uploadShape.selection}
}`
export interface UploadsChangedData {
  readonly uploadsChanged: TypeOf<typeof uploadShape>
}

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
