/** The GraphQL documents that the client sends, and the shapes of their good answers. */
import { list, nullable, number, object, text } from '../shape.ts'
import { uploadShape, uploadWithURL } from './upload.ts'

export const mintedBasic = object({ uploadURL: text, formField: text, upload: uploadShape })
export const mintedTus = object({ uploadURL: text, chunkSizeBytes: number, upload: uploadShape })
export const deleted = object({ upload: uploadShape })

/** What is to be corrected in an input. */
export const inputIssues = list(object({ path: list(text), message: text }))

const REFUSAL = '... on Error { code message } ... on RateLimitedError { retryAfterSeconds }'
const STREAM_REFUSAL = '... on StreamError { retryable }'
const MINT_REFUSAL = `${REFUSAL} ${STREAM_REFUSAL}
  ... on InvalidInputError { issues ${inputIssues.selection} }
  ... on QuotaExceededError { requestedMinutes availableMinutes }`

export const MINT_BASIC = `mutation MintBasic($input: CreateDirectUploadInput!) {
  outcome: createDirectUpload(input: $input) {
    ... on CreateDirectUploadSuccess ${mintedBasic.selection}
    ${MINT_REFUSAL}
  }
}`

export const MINT_TUS = `mutation MintTus($input: CreateTusUploadInput!) {
  outcome: createTusUpload(input: $input) {
    ... on CreateTusUploadSuccess ${mintedTus.selection}
    ${MINT_REFUSAL}
  }
}`

export const DELETE = `mutation Delete($uid: ID!) {
  outcome: deleteUpload(uid: $uid) {
    ... on DeleteUploadSuccess ${deleted.selection}
    ${REFUSAL} ${STREAM_REFUSAL}
  }
}`

export const found = nullable(uploadShape)
export const FIND = `query Find($uid: ID!) { outcome: upload(uid: $uid) ${found.selection} }`

export const watched = uploadShape
export const WATCH = `subscription Watch($uid: ID!) {
  outcome: uploadStatus(uid: $uid) ${watched.selection}
}`

/** The URL is asked for only where it is about to be used. */
export const foundWithURL = nullable(uploadWithURL)
export const FIND_WITH_URL = `query FindWithURL($uid: ID!) {
  outcome: upload(uid: $uid) ${foundWithURL.selection}
}`
