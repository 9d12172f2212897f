/** What one creator does: mints until it has a URL, sends its file, deletes until it is deleted. */
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { paddedTestcard, testcardFile, textFile } from '../kit/media.ts'
import { postFile } from '../kit/operations.ts'
import { uploadByTus } from '../kit/tus.ts'
import type { Item } from './creator-plans.ts'
import type { Line } from './retrying-client.ts'

/** The smallest chunk that Stream takes. */
export const CHUNK_BYTES = 5_242_880
/** A client waits as long as it is told, but a test is in a hurry. */
const LONGEST_WAIT_MS = 1000
const RETRY_DELAYS_MS = [50, 100, 200, 400, 800, 1600]

const minted = z.object({ uploadURL: z.string(), upload: z.object({ uid: z.string() }) })
const outcomeSchema = z.object({
  mint: z.discriminatedUnion('__typename', [
    minted.extend({ __typename: z.literal('CreateDirectUploadSuccess') }),
    minted.extend({ __typename: z.literal('CreateTusUploadSuccess') }),
    z.object({ __typename: z.literal('RateLimitedError'), retryAfterSeconds: z.number() }),
    z.object({ __typename: z.literal('StreamError'), code: z.literal('STREAM_UNAVAILABLE') }),
  ]),
})

/** The mutation of a protocol, such as Direct or Tus. */
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

export interface MintedURL {
  readonly uid: string
  readonly uploadURL: string
}

/**
 * Asks with the same key until there is a URL, at the next gateway after each refusal or failure. Any
 * other refusal than "later" fails the run.
 * `expiry` is the same for all requests with one key, since another input would be a conflict.
 */
export async function mintUntilMinted(line: Line, item: Item, expiry: string): Promise<MintedURL> {
  for (;;) {
    const outcome = await askToMint(line, item, expiry)
    if ('uid' in outcome) return outcome
    line.moveOn()
    await pause(Math.min(outcome.retryAfterMs, LONGEST_WAIT_MS), undefined, {
      signal: line.patience,
    })
  }
}

/** One request that is answered: by a URL, or by when to ask again. */
export async function askToMint(
  line: Line,
  item: Item,
  expiry: string,
): Promise<MintedURL | { readonly retryAfterMs: number }> {
  const { key, isKeyed, protocol, maxDurationSeconds } = item
  const input = {
    ...(isKeyed ? { idempotencyKey: key } : {}),
    maxDurationSeconds,
    // Whoever asks without a key may be given more than one.
    meta: isKeyed ? { chaos: key } : { bare: key },
    ...(protocol === 'TUS' ? { sizeBytes: fileOf(item).size } : {}),
    expiry,
  }
  const document = mutationOf(protocol === 'TUS' ? 'Tus' : 'Direct')
  const { mint } = await line.ask(outcomeSchema, document, { input })
  if ('upload' in mint) return { uid: mint.upload.uid, uploadURL: mint.uploadURL }
  return { retryAfterMs: 'retryAfterSeconds' in mint ? mint.retryAfterSeconds * 1000 : 300 }
}

/** Deletes until the gateway says that it is done. */
export async function deleteUntilDeleted(line: Line, uid: string): Promise<void> {
  for (;;) {
    const { deleteUpload } = await line.ask(deletionSchema, DELETE, { uid })
    const outcome = deleteUpload.__typename
    if (outcome === 'DeleteUploadSuccess') return
    if (outcome !== 'StreamError' && outcome !== 'RateLimitedError') {
      line.surprises.push(`deleting ${uid} was answered ${outcome}`)
      return
    }
    line.moveOn()
    await pause(300, undefined, { signal: line.patience })
  }
}

/** Sends as much of the file as the journey says, straight to Stream. */
export async function sendFile(item: Item, { uploadURL }: MintedURL): Promise<void> {
  const { ending, protocol } = item
  if (ending === 'abandoned' || ending === 'deleted unused') return
  const file = fileOf(item)
  if (ending === 'interrupted') return sendFirstChunk(uploadURL, file)
  if (protocol === 'TUS') {
    return uploadByTus(uploadURL, file, { chunkSize: CHUNK_BYTES, retryDelays: RETRY_DELAYS_MS })
  }
  const response = await postFile(uploadURL, new File([file], 'file'))
  if (!response.ok) throw new Error(`${item.key}: the POST was answered ${response.status}`)
}

function fileOf({ ending, protocol, sizeBytes }: Item): Blob {
  if (ending === 'words') return textFile()
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
    // 409: it did arrive, and the offset stands behind it.
    if (response?.ok === true || response?.status === 409) return
  }
  throw new Error('A first chunk was not taken.')
}
