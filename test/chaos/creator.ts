/** Requests of one creator: create with retries, upload the file, delete with retries. */
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { paddedTestcard, testcardFile, textFile } from '../kit/media.ts'
import { postFile } from '../kit/operations.ts'
import { uploadByTus } from '../kit/tus.ts'
import type { UploadPlan } from './creator-plans.ts'
import type { RetryingClient } from './retrying-client.ts'

/** The smallest chunk that Stream accepts. */
export const CHUNK_BYTES = 5_242_880
/** Upper limit of a wait. A real client waits for the whole `retryAfterSeconds`. */
const MAX_WAIT_MS = 1000
const RETRY_DELAYS_MS = [50, 100, 200, 400, 800, 1600]

const createdSchema = z.object({ uploadURL: z.string(), upload: z.object({ uid: z.string() }) })
const outcomeSchema = z.object({
  mint: z.discriminatedUnion('__typename', [
    createdSchema.extend({ __typename: z.literal('CreateDirectUploadSuccess') }),
    createdSchema.extend({ __typename: z.literal('CreateTusUploadSuccess') }),
    z.object({ __typename: z.literal('RateLimitedError'), retryAfterSeconds: z.number() }),
    z.object({ __typename: z.literal('StreamError'), code: z.literal('STREAM_UNAVAILABLE') }),
  ]),
})

/** Returns the create mutation for `Direct` or `Tus`. */
const mutationOf = (name: string): string => /* GraphQL */ `
  mutation ($input: Create${name}UploadInput!) {
    mint: create${name}Upload(input: $input) {
      __typename
      ... on Create${name}UploadSuccess { uploadURL upload { uid } }
      ... on RateLimitedError { retryAfterSeconds }
      ... on Error { code message }
    }
  }
`

const deletionSchema = z.object({ deleteUpload: z.object({ __typename: z.string() }) })
const DELETE = /* GraphQL */ `
  mutation ($uid: ID!) {
    deleteUpload(uid: $uid) {
      __typename
      ... on Error {
        code
        message
      }
    }
  }
`

export interface CreatedUpload {
  readonly uid: string
  readonly uploadURL: string
}

/**
 * Sends the create mutation until it returns a URL, at the next gateway after each failure. Throws on
 * an error that is not retryable. `expiry` must be the same for all requests with one key: a different
 * input is a conflict.
 */
export async function createWithRetries(
  client: RetryingClient,
  plan: UploadPlan,
  expiry: string,
): Promise<CreatedUpload> {
  for (;;) {
    const outcome = await sendCreateMutation(client, plan, expiry)
    if ('uid' in outcome) return outcome
    client.useNextGateway()
    await pause(Math.min(outcome.retryAfterMs, MAX_WAIT_MS), undefined, {
      signal: client.signal,
    })
  }
}

/** Sends one create mutation. Returns the URL or the delay before a retry. */
export async function sendCreateMutation(
  client: RetryingClient,
  plan: UploadPlan,
  expiry: string,
): Promise<CreatedUpload | { readonly retryAfterMs: number }> {
  const { key, isKeyed, protocol, maxDurationSeconds } = plan
  const input = {
    ...(isKeyed ? { idempotencyKey: key } : {}),
    maxDurationSeconds,
    // Without an idempotency key, retries may create several uploads.
    meta: isKeyed ? { chaos: key } : { bare: key },
    ...(protocol === 'TUS' ? { sizeBytes: fileOf(plan).size } : {}),
    expiry,
  }
  const document = mutationOf(protocol === 'TUS' ? 'Tus' : 'Direct')
  const { mint } = await client.request(outcomeSchema, document, { input })
  if ('upload' in mint) return { uid: mint.upload.uid, uploadURL: mint.uploadURL }
  return { retryAfterMs: 'retryAfterSeconds' in mint ? mint.retryAfterSeconds * 1000 : 300 }
}

/** Sends the delete mutation until it succeeds. */
export async function deleteWithRetries(client: RetryingClient, uid: string): Promise<void> {
  for (;;) {
    const { deleteUpload } = await client.request(deletionSchema, DELETE, { uid })
    const outcome = deleteUpload.__typename
    if (outcome === 'DeleteUploadSuccess') return
    if (outcome !== 'StreamError' && outcome !== 'RateLimitedError') {
      client.unexpectedErrors.push(`deleting ${uid} returned ${outcome}`)
      return
    }
    client.useNextGateway()
    await pause(300, undefined, { signal: client.signal })
  }
}

/** Uploads the planned part of the file directly to Stream. */
export async function sendFile(plan: UploadPlan, { uploadURL }: CreatedUpload): Promise<void> {
  const { ending, protocol } = plan
  if (ending === 'abandoned' || ending === 'expired' || ending === 'deleted unused') return
  const file = fileOf(plan)
  if (ending === 'interrupted') return sendFirstChunk(uploadURL, file)
  if (protocol === 'TUS') {
    return uploadByTus(uploadURL, file, { chunkSize: CHUNK_BYTES, retryDelays: RETRY_DELAYS_MS })
  }
  const response = await postFile(uploadURL, new File([file], 'file'))
  if (!response.ok) throw new Error(`${plan.key}: the POST returned status ${response.status}`)
}

function fileOf({ ending, protocol, sizeBytes }: UploadPlan): Blob {
  if (ending === 'text file') return textFile()
  return protocol === 'TUS' ? paddedTestcard(sizeBytes) : testcardFile()
}

async function sendFirstChunk(uploadURL: string, file: Blob): Promise<void> {
  for (const delay of [0, ...RETRY_DELAYS_MS]) {
    await pause(delay)
    const response = await fetch(uploadURL, {
      method: 'PATCH',
      headers: {
        'content-type': 'application/offset+octet-stream',
        'tus-resumable': '1.0.0',
        'upload-offset': '0',
      },
      body: file.slice(0, CHUNK_BYTES),
    }).catch(() => null)
    // 409: the chunk had arrived before, and the offset is after it.
    if (response?.ok === true || response?.status === 409) return
  }
  throw new Error('Stream did not accept the first chunk.')
}
