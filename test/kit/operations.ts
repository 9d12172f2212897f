/** Operations that many tests send, with the expected results. */
import { z } from 'zod'
import type { Caller } from './gateway.ts'

const minted = z.object({
  uid: z.string(),
  status: z.string(),
  version: z.number(),
  uploadURL: z.string().nullable(),
})

const mintOutcome = z.discriminatedUnion('__typename', [
  z.object({
    __typename: z.literal('CreateDirectUploadSuccess'),
    uploadURL: z.string(),
    formField: z.literal('file'),
    upload: minted,
  }),
  z.object({
    __typename: z.literal('CreateTusUploadSuccess'),
    uploadURL: z.string(),
    chunkSizeBytes: z.number(),
    upload: minted,
  }),
  z.object({
    __typename: z.literal('InvalidInputError'),
    code: z.literal('INVALID_INPUT'),
    message: z.string(),
    issues: z.array(z.object({ path: z.array(z.string()), message: z.string() })),
  }),
  z.object({
    __typename: z.literal('QuotaExceededError'),
    code: z.literal('QUOTA_EXCEEDED'),
    message: z.string(),
    requestedMinutes: z.number(),
    availableMinutes: z.number().nullable(),
  }),
  z.object({
    __typename: z.literal('RateLimitedError'),
    code: z.literal('RATE_LIMITED'),
    message: z.string(),
    retryAfterSeconds: z.number(),
  }),
  z.object({
    __typename: z.literal('ForbiddenError'),
    code: z.literal('FORBIDDEN'),
    message: z.string(),
  }),
  z.object({
    __typename: z.literal('IdempotencyConflictError'),
    code: z.literal('IDEMPOTENCY_CONFLICT'),
    message: z.string(),
  }),
  z.object({
    __typename: z.literal('StreamError'),
    code: z.enum(['STREAM_UNAVAILABLE', 'STREAM_REJECTED']),
    message: z.string(),
    retryable: z.boolean(),
  }),
])

/** The result of a mutation that mints. */
export type MintOutcome = z.infer<typeof mintOutcome>

const PROBLEMS = /* GraphQL */ `
  ... on Error { code message }
  ... on InvalidInputError { issues { path message } }
  ... on QuotaExceededError { requestedMinutes availableMinutes }
  ... on RateLimitedError { retryAfterSeconds }
  ... on StreamError { retryable }
`

export async function createDirectUpload(
  caller: Caller,
  input: Readonly<Record<string, unknown>> = {},
): Promise<MintOutcome> {
  const data = await caller.request(
    z.object({ mint: mintOutcome }),
    /* GraphQL */ `
      mutation ($input: CreateDirectUploadInput!) {
        mint: createDirectUpload(input: $input) {
          __typename
          ... on CreateDirectUploadSuccess {
            uploadURL
            formField
            upload { uid status version uploadURL }
          }
          ${PROBLEMS}
        }
      }
    `,
    { input: { maxDurationSeconds: 60, ...input } },
  )
  return data.mint
}

export async function createTusUpload(
  caller: Caller,
  input: Readonly<Record<string, unknown>>,
): Promise<MintOutcome> {
  const data = await caller.request(
    z.object({ mint: mintOutcome }),
    /* GraphQL */ `
      mutation ($input: CreateTusUploadInput!) {
        mint: createTusUpload(input: $input) {
          __typename
          ... on CreateTusUploadSuccess {
            uploadURL
            chunkSizeBytes
            upload { uid status version uploadURL }
          }
          ${PROBLEMS}
        }
      }
    `,
    { input: { maxDurationSeconds: 60, ...input } },
  )
  return data.mint
}

const CREATED = /* GraphQL */ `
  __typename
  ... on CreateDirectUploadSuccess { uploadURL formField upload { uid status version uploadURL } }
  ... on CreateTusUploadSuccess { uploadURL chunkSizeBytes upload { uid status version uploadURL } }
  ${PROBLEMS}
`

/** The gateway chooses the protocol; a file of 1,000 bytes by default. */
export async function createUpload(
  caller: Caller,
  input: Readonly<Record<string, unknown>> = {},
): Promise<MintOutcome> {
  const data = await caller.request(
    z.object({ mint: mintOutcome }),
    `mutation ($input: CreateUploadInput!) { mint: createUpload(input: $input) { ${CREATED} } }`,
    { input: { maxDurationSeconds: 60, sizeBytes: 1000, ...input } },
  )
  return data.mint
}

/** Creates several uploads by one call, with the defaults of `createUpload`. */
export async function createUploads(
  caller: Caller,
  inputs: readonly Readonly<Record<string, unknown>>[],
): Promise<MintOutcome[]> {
  const data = await caller.request(
    z.object({ mint: z.array(mintOutcome) }),
    `mutation ($inputs: [CreateUploadInput!]!) { mint: createUploads(inputs: $inputs) { ${CREATED} } }`,
    { inputs: inputs.map((input) => ({ maxDurationSeconds: 60, sizeBytes: 1000, ...input })) },
  )
  return data.mint
}

/** Returns the minted upload with its URL; fails the test with the error otherwise. */
export function expectMinted(outcome: MintOutcome): { uid: string; uploadURL: string } {
  if ('upload' in outcome) return { uid: outcome.upload.uid, uploadURL: outcome.uploadURL }
  throw new Error(`Nothing was minted: ${JSON.stringify(outcome)}`)
}

const watchedUpload = z.object({
  uploadStatus: z.object({
    status: z.string(),
    version: z.number(),
    progress: z.object({
      totalBytes: z.number().nullable(),
      receivedBytes: z.number().nullable(),
      encodingPercent: z.number().nullable(),
    }),
    failure: z.object({ code: z.string(), message: z.string() }).nullable(),
    video: z
      .object({
        durationSeconds: z.number().nullable(),
        width: z.number().nullable(),
        height: z.number().nullable(),
        sizeBytes: z.number().nullable(),
        previewURL: z.string().nullable(),
      })
      .nullable(),
  }),
})

/** One state that a subscriber receives. */
export type WatchedUpload = z.infer<typeof watchedUpload>['uploadStatus']

/** Yields every state of the upload that a subscriber receives, to the last. */
export async function* watchUpload(caller: Caller, uid: string): AsyncGenerator<WatchedUpload> {
  const results = caller.watch(
    watchedUpload,
    /* GraphQL */ `
      subscription ($uid: ID!) {
        uploadStatus(uid: $uid) {
          status
          version
          progress {
            totalBytes
            receivedBytes
            encodingPercent
          }
          failure {
            code
            message
          }
          video {
            durationSeconds
            width
            height
            sizeBytes
            previewURL
          }
        }
      }
    `,
    { uid },
  )
  for await (const { uploadStatus } of results) yield uploadStatus
}

/** Returns all states to the end of the subscription. */
export async function watchToEnd(caller: Caller, uid: string): Promise<WatchedUpload[]> {
  const states: WatchedUpload[] = []
  for await (const state of watchUpload(caller, uid)) states.push(state)
  return states
}

const usage = z.object({
  storageUsage: z.object({
    limitMinutes: z.number().nullable(),
    storedMinutes: z.number(),
    reservedMinutes: z.number(),
    availableMinutes: z.number().nullable(),
    videoCount: z.number(),
  }),
})

export async function storageUsage(caller: Caller) {
  const data = await caller.request(
    usage,
    '{ storageUsage { limitMinutes storedMinutes reservedMinutes availableMinutes videoCount } }',
  )
  return data.storageUsage
}

export async function deleteUpload(caller: Caller, uid: string) {
  const data = await caller.request(
    z.object({
      deleteUpload: z.looseObject({
        __typename: z.string(),
        code: z.string().optional(),
        upload: z.object({ status: z.string(), uploadURL: z.string().nullable() }).optional(),
      }),
    }),
    /* GraphQL */ `
      mutation ($uid: ID!) {
        deleteUpload(uid: $uid) {
          __typename
          ... on DeleteUploadSuccess {
            upload {
              status
              uploadURL
            }
          }
          ... on Error {
            code
            message
          }
        }
      }
    `,
    { uid },
  )
  return data.deleteUpload
}

/** Sends the file by one POST, as the form of a browser does. */
export function postFile(uploadURL: string, file: File): Promise<Response> {
  const form = new FormData()
  form.set('file', file)
  return fetch(uploadURL, { method: 'POST', body: form })
}
