/** The mutation `updateUpload`, with the fields that it can change. */
import { z } from 'zod'
import type { Caller } from './gateway.ts'

const changed = z.object({
  status: z.string(),
  version: z.number(),
  name: z.string().nullable(),
  meta: z.record(z.string(), z.json()),
  expiresAt: z.string(),
  uploadURL: z.string().nullable(),
  constraints: z.object({
    maxDurationSeconds: z.number(),
    allowedOrigins: z.array(z.string()),
    requireSignedURLs: z.boolean(),
    scheduledDeletion: z.string().nullable(),
  }),
})
export type ChangedUpload = z.infer<typeof changed>

const FIELDS =
  'status version name meta expiresAt uploadURL constraints { maxDurationSeconds allowedOrigins requireSignedURLs scheduledDeletion }'

const outcome = z.looseObject({
  __typename: z.string(),
  code: z.string().optional(),
  message: z.string().optional(),
  issues: z.array(z.object({ path: z.array(z.string()), message: z.string() })).optional(),
  upload: changed.optional(),
})
export type UpdateOutcome = z.infer<typeof outcome>

export async function updateUpload(
  caller: Caller,
  input: Readonly<Record<string, unknown>>,
): Promise<UpdateOutcome> {
  const data = await caller.request(
    z.object({ updateUpload: outcome }),
    /* GraphQL */ `
      mutation ($input: UpdateUploadInput!) {
        updateUpload(input: $input) {
          __typename
          ... on UpdateUploadSuccess { upload { ${FIELDS} } }
          ... on Error { code message }
          ... on InvalidInputError { issues { path message } }
          ... on ConflictError { currentVersion }
          ... on QuotaExceededError { requestedMinutes availableMinutes }
          ... on RateLimitedError { retryAfterSeconds }
          ... on StreamError { retryable }
        }
      }
    `,
    { input },
  )
  return data.updateUpload
}

/** Returns the changed upload; fails the test with the error otherwise. */
export function expectUpdated({ upload, ...error }: UpdateOutcome): ChangedUpload {
  if (upload === undefined) throw new Error(`Nothing was changed: ${JSON.stringify(error)}`)
  return upload
}

export async function readUpload(caller: Caller, uid: string): Promise<ChangedUpload> {
  const data = await caller.request(
    z.object({ upload: changed }),
    `query ($uid: ID!) { upload(uid: $uid) { ${FIELDS} } }`,
    { uid },
  )
  return data.upload
}
