/** Mints upload URLs: one per idempotency key, however many responses are lost. */
import { type GatewayEndpoint, type GraphQLRequest, execute } from './request.ts'
import { MINT, MINT_BASIC, MINT_MANY, MINT_TUS, basicSuccess, tusSuccess } from './operations.ts'
import { errorFromOutcome, invalidResponse } from './response-errors.ts'
import { type RetryPolicy, retry } from '../retry.ts'
import type { Upload, UploadProtocol } from './upload.ts'
import type { UploadError } from '../upload-error.ts'
import type { UploadInput } from '../upload-input.ts'

/** Destination of the bytes. */
export interface UploadTarget {
  readonly uid: string
  /** A secret: must not appear in messages, logs or the storage. */
  readonly uploadURL: string
  readonly protocol: UploadProtocol
  /** Form field of the file, for basic uploads. */
  readonly formField: string
  /** Recommendation of the gateway for tus uploads: the largest chunk that the client chooses. */
  readonly chunkSizeBytes: number
}

/** A new upload and its destination. */
export interface MintedUpload {
  readonly target: UploadTarget
  readonly upload: Upload
}

/** Placeholders of the field that the other protocol uses. */
const NO_FORM = 'file'
const NO_CHUNKS = Number.POSITIVE_INFINITY

/** The protocol, what it depends on, and the settings of one upload. */
export interface MintRequest {
  /** Undefined if the gateway chooses it. */
  readonly protocol: UploadProtocol | undefined
  readonly sizeBytes: number
  readonly reliableConnection: boolean
  /** After a lost response, the gateway returns the same upload again for the same key. */
  readonly input: UploadInput & { readonly idempotencyKey: string }
}

/** @throws UploadError for every error of the gateway */
export function mintUpload(
  dependencies: GatewayEndpoint & RetryPolicy,
  request: MintRequest,
  signal: AbortSignal,
): Promise<MintedUpload> {
  const query = queryFor(request)
  return retry(dependencies, signal, async () =>
    readMinted(await execute(dependencies, query, signal)),
  )
}

/** Inputs of one `createUploads` that the gateway accepts. */
export const MAX_BATCH = 20

/** The upload, or why this one was not minted. */
export type MintResult = MintedUpload | UploadError

/**
 * Sends one request for up to 20 uploads, and returns a result for each, in order. It is not repeated.
 * @param requests without a protocol, unless it is the only one
 * @throws UploadError if the request as a whole failed
 */
export async function mintUploads(
  endpoint: GatewayEndpoint,
  requests: readonly MintRequest[],
): Promise<readonly MintResult[]> {
  const [first] = requests
  if (first !== undefined && requests.length === 1)
    return [resultOf(await execute(endpoint, queryFor(first), undefined))]
  const variables = { inputs: requests.map(inputOf) }
  const outcomes = await execute(endpoint, { query: MINT_MANY, variables }, undefined)
  if (!Array.isArray(outcomes) || outcomes.length !== requests.length)
    throw invalidResponse('the list of uploads')
  return outcomes.map(resultOf)
}

/** Input of a mutation that chooses the protocol. */
function inputOf({ sizeBytes, reliableConnection, input }: MintRequest) {
  return { ...input, sizeBytes, reliableConnection }
}

function queryFor(request: MintRequest): GraphQLRequest {
  const { protocol, sizeBytes, input } = request
  switch (protocol) {
    case 'BASIC':
      return { query: MINT_BASIC, variables: { input } }
    case 'TUS':
      return { query: MINT_TUS, variables: { input: { ...input, sizeBytes } } }
    case undefined:
      return { query: MINT, variables: { input: inputOf(request) } }
  }
}

function readMinted(outcome: unknown): MintedUpload {
  const result = resultOf(outcome)
  if ('target' in result) return result
  throw result
}

function resultOf(outcome: unknown): MintResult {
  if (tusSuccess.is(outcome)) {
    const { upload, uploadURL, chunkSizeBytes } = outcome
    const { uid } = upload
    return {
      target: { uid, uploadURL, protocol: 'TUS', formField: NO_FORM, chunkSizeBytes },
      upload,
    }
  }
  if (basicSuccess.is(outcome)) {
    const { upload, uploadURL, formField } = outcome
    const { uid } = upload
    return {
      target: { uid, uploadURL, protocol: 'BASIC', formField, chunkSizeBytes: NO_CHUNKS },
      upload,
    }
  }
  return errorFromOutcome(outcome, '')
}
