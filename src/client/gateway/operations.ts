/** GraphQL documents of the client, and the shapes of their success results. */
import { type TypeOf, flag, list, nullable, number, object, text } from '../shape.ts'
import { playbackShape } from './playback.ts'
import { uploadShape, uploadWithURL } from './upload.ts'

export const basicSuccess = object({ uploadURL: text, formField: text, upload: uploadShape })
export const tusSuccess = object({ uploadURL: text, chunkSizeBytes: number, upload: uploadShape })
export const deleteSuccess = object({ upload: uploadShape })

/** Validation errors of an input, by path. */
export const inputIssues = list(object({ path: list(text), message: text }))

const ERROR_FIELDS = '... on Error { code message } ... on RateLimitedError { retryAfterSeconds }'
const STREAM_ERROR_FIELDS = '... on StreamError { retryable }'
const MINT_ERROR_FIELDS = `${ERROR_FIELDS} ${STREAM_ERROR_FIELDS}
  ... on InvalidInputError { issues ${inputIssues.selection} }
  ... on QuotaExceededError { requestedMinutes availableMinutes }`

const BASIC_FIELDS = `... on CreateDirectUploadSuccess ${basicSuccess.selection}`
const TUS_FIELDS = `... on CreateTusUploadSuccess ${tusSuccess.selection}`

/** The gateway chooses the protocol. */
export const MINT = `mutation Mint($input: CreateUploadInput!) {
  outcome: createUpload(input: $input) {
    ${BASIC_FIELDS}
    ${TUS_FIELDS}
    ${MINT_ERROR_FIELDS}
  }
}`

/** Like `MINT`, for up to 20 files; the results are in the order of the inputs. */
export const MINT_MANY = `mutation MintMany($inputs: [CreateUploadInput!]!) {
  outcome: createUploads(inputs: $inputs) {
    ${BASIC_FIELDS}
    ${TUS_FIELDS}
    ${MINT_ERROR_FIELDS}
  }
}`

export const MINT_BASIC = `mutation MintBasic($input: CreateDirectUploadInput!) {
  outcome: createDirectUpload(input: $input) {
    ${BASIC_FIELDS}
    ${MINT_ERROR_FIELDS}
  }
}`

export const MINT_TUS = `mutation MintTus($input: CreateTusUploadInput!) {
  outcome: createTusUpload(input: $input) {
    ${TUS_FIELDS}
    ${MINT_ERROR_FIELDS}
  }
}`

export const DELETE = `mutation Delete($uid: ID!) {
  outcome: deleteUpload(uid: $uid) {
    ... on DeleteUploadSuccess ${deleteSuccess.selection}
    ${ERROR_FIELDS} ${STREAM_ERROR_FIELDS}
  }
}`

export const foundUpload = nullable(uploadShape)
export const FIND = `query Find($uid: ID!) { outcome: upload(uid: $uid) ${foundUpload.selection} }`

export const watchedUpload = uploadShape
export const WATCH = `subscription Watch($uid: ID!) {
  outcome: uploadStatus(uid: $uid) ${watchedUpload.selection}
}`

const uploadEdge = object({ cursor: text, node: uploadShape })
/** Cursors of one list compare like the positions of their uploads; the newest is the greatest. */
export const uploadPage = object({
  edges: list(uploadEdge),
  pageInfo: object({ hasNextPage: flag, endCursor: nullable(text) }),
})
export type UploadPage = TypeOf<typeof uploadPage>
export const LIST = `query List($first: Int!, $after: String, $filter: UploadFilter) {
  outcome: uploads(first: $first, after: $after, filter: $filter) ${uploadPage.selection}
}`

/** The first page of the list, or a change of one upload. */
export const listEvent = object({
  page: nullable(uploadPage),
  changed: nullable(uploadEdge),
  /** Whether `changed` is in the list. */
  isListed: flag,
})
export type ListEvent = TypeOf<typeof listEvent>
export const WATCH_LIST = `subscription WatchList($first: Int!, $filter: UploadFilter) {
  outcome: uploadList(first: $first, filter: $filter) ${listEvent.selection}
}`

/** Queries the URL too; used only right before bytes are sent. */
export const foundWithURL = nullable(uploadWithURL)
export const FIND_WITH_URL = `query FindWithURL($uid: ID!) {
  outcome: upload(uid: $uid) ${foundWithURL.selection}
}`

export const foundPlayback = nullable(playbackShape)
export const PLAYBACK = `query Playback($uid: ID!, $ttlSeconds: Int!, $downloadable: Boolean!) {
  outcome: playback(uid: $uid, ttlSeconds: $ttlSeconds, downloadable: $downloadable) ${foundPlayback.selection}
}`

export const callerShape = object({
  limits: object({
    maxDurationSeconds: number,
    maxSizeBytes: number,
    remainingUploads: nullable(number),
  }),
})
export const ME = `query Limits { outcome: me ${callerShape.selection} }`
