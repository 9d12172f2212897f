/** Mints one upload URL per call, however many responses are lost. */
import { type GatewayEndpoint, type GraphQLRequest, execute } from './request.ts'
import { randomHex } from '../hex.ts'
import { MINT, MINT_BASIC, MINT_TUS, basicSuccess, tusSuccess } from './operations.ts'
import { errorFromOutcome } from './response-errors.ts'
import { type RetryPolicy, retry } from '../retry.ts'
import type { Upload, UploadProtocol } from './upload.ts'
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

/** What the protocol depends on. */
export interface ProtocolWish {
  /** Undefined if the gateway chooses it. */
  readonly protocol: UploadProtocol | undefined
  readonly sizeBytes: number
  readonly reliableConnection: boolean
}

/** @throws UploadError for every error of the gateway */
export function mintUpload(
  dependencies: GatewayEndpoint & RetryPolicy,
  wish: ProtocolWish,
  input: UploadInput,
  signal: AbortSignal,
): Promise<MintedUpload> {
  const request = requestFor(wish, { ...input, idempotencyKey: randomHex() })
  // One key for all attempts: after a lost response the gateway returns the same upload again.
  return retry(dependencies, signal, async () =>
    readMinted(await execute(dependencies, request, signal)),
  )
}

function requestFor(
  { protocol, sizeBytes, reliableConnection }: ProtocolWish,
  input: object,
): GraphQLRequest {
  switch (protocol) {
    case 'BASIC':
      return { query: MINT_BASIC, variables: { input } }
    case 'TUS':
      return { query: MINT_TUS, variables: { input: { ...input, sizeBytes } } }
    case undefined:
      return { query: MINT, variables: { input: { ...input, sizeBytes, reliableConnection } } }
  }
}

function readMinted(outcome: unknown): MintedUpload {
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
  throw errorFromOutcome(outcome, '')
}
