/** Mutations with all that they can answer, and how the lane comes to know them. */
import { LESSONS, type Question, ask } from './both-paths.ts'
import type { Setup } from './setup.ts'

const UPLOAD = `
  id uid uploadURL status version protocol creator name meta createdAt updatedAt expiresAt
  constraints { maxDurationSeconds maxSizeBytes allowedOrigins requireSignedURLs scheduledDeletion }
  progress { totalBytes receivedBytes encodingPercent } failure { code } video { width }
  history { status source at }
`
const PROBLEMS = `
  ... on Error { code message } ... on InvalidInputError { issues { path message } }
  ... on QuotaExceededError { requestedMinutes availableMinutes }
  ... on RateLimitedError { retryAfterSeconds } ... on StreamError { retryable }
`
/** All of either outcome. */
export const DIRECT = `__typename ... on CreateDirectUploadSuccess { uploadURL formField upload { ${UPLOAD} } } ${PROBLEMS}`
export const TUS = `__typename ... on CreateTusUploadSuccess { uploadURL chunkSizeBytes upload { ${UPLOAD} } } ${PROBLEMS}`
export const DELETION = `__typename ... on DeleteUploadSuccess { upload { ${UPLOAD} } } ... on Error { code message } ... on UploadNotFoundError { uid } ... on StreamError { retryable }`

export const MINT = `mutation ($input: CreateDirectUploadInput!) { mint: createDirectUpload(input: $input) { ${DIRECT} } }`
export const MINT_TUS = `mutation ($input: CreateTusUploadInput!) { mint: createTusUpload(input: $input) { ${TUS} } }`
export const DELETE = `mutation ($uid: ID!) { deleteUpload(uid: $uid) { ${DELETION} } }`
/** An input that is good. */
export const INPUT = { maxDurationSeconds: 60 }

/** Carries it out until there is a plan of it. */
export async function teach(setup: Setup, question: Question): Promise<void> {
  for (let lesson = 0; lesson < LESSONS; lesson += 1) await ask(setup.fast, question)
}
