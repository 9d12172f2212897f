/** Mutations that select all fields of their results. */
import { WARM_UP_RUNS, type TestOperation, sendOperation } from './both-paths.ts'
import type { Setup } from './setup.ts'

const UPLOAD = `
  id uid uploadURL status version protocol creator name meta createdAt updatedAt expiresAt
  constraints { maxDurationSeconds maxSizeBytes allowedOrigins requireSignedURLs scheduledDeletion }
  progress { totalBytes receivedBytes encodingPercent } failure { code } video { width }
  history { status source at }
`
const ERRORS = `
  ... on Error { code message } ... on InvalidInputError { issues { path message } }
  ... on QuotaExceededError { requestedMinutes availableMinutes }
  ... on RateLimitedError { retryAfterSeconds } ... on StreamError { retryable }
`
/** Selects all fields of the success and the error types. */
export const DIRECT = `__typename ... on CreateDirectUploadSuccess { uploadURL formField upload { ${UPLOAD} } } ${ERRORS}`
export const TUS = `__typename ... on CreateTusUploadSuccess { uploadURL chunkSizeBytes upload { ${UPLOAD} } } ${ERRORS}`
export const DELETION = `__typename ... on DeleteUploadSuccess { upload { ${UPLOAD} } } ... on Error { code message } ... on UploadNotFoundError { uid } ... on StreamError { retryable }`

export const MINT = `mutation ($input: CreateDirectUploadInput!) { mint: createDirectUpload(input: $input) { ${DIRECT} } }`
export const ANY = `${DIRECT} ... on CreateTusUploadSuccess { uploadURL chunkSizeBytes upload { ${UPLOAD} } }`
export const MINT_ANY = `mutation ($input: CreateUploadInput!) { mint: createUpload(input: $input) { ${ANY} } }`
export const MINT_SEVERAL = `mutation ($inputs: [CreateUploadInput!]!) { mint: createUploads(inputs: $inputs) { ${ANY} } }`
export const MINT_TUS = `mutation ($input: CreateTusUploadInput!) { mint: createTusUpload(input: $input) { ${TUS} } }`
export const DELETE = `mutation ($uid: ID!) { deleteUpload(uid: $uid) { ${DELETION} } }`
/** A valid input. */
export const INPUT = { maxDurationSeconds: 60 }

/** Sends the operation until the fast path has compiled it. */
export async function warmUp(setup: Setup, operation: TestOperation): Promise<void> {
  for (let run = 0; run < WARM_UP_RUNS; run += 1) await sendOperation(setup.fast, operation)
}
