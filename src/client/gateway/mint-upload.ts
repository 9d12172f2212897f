/** Mints an upload URL, once however often its answer is lost. */
import { type GatewayDoor, ask } from './request.ts'
import { randomHex } from '../hex.ts'
import { MINT_BASIC, MINT_TUS, mintedBasic, mintedTus } from './operations.ts'
import { refusalFrom } from './response-errors.ts'
import { type Patience, tryAgain } from '../retry.ts'
import type { Upload, UploadProtocol } from './upload.ts'
import type { UploadInput } from '../upload-input.ts'

/** Where and how the bytes go. */
export interface Destination {
  readonly uid: string
  /** A secret: never in a message, a log or the storage. */
  readonly uploadURL: string
  readonly protocol: UploadProtocol
  /** Of the form of a basic upload. */
  readonly formField: string
  /** Of a tus upload. */
  readonly chunkSizeBytes: number
}

/** What was minted. */
export interface Minted {
  readonly destination: Destination
  readonly upload: Upload
}

/** Of a destination that has no form, or no chunks. */
const NO_FORM = 'file'
const NO_CHUNKS = Number.POSITIVE_INFINITY

/** @throws UploadError with what the gateway refuses */
export function mintUpload(
  parts: GatewayDoor & Patience,
  protocol: UploadProtocol,
  input: UploadInput,
  sizeBytes: number,
  signal: AbortSignal,
): Promise<Minted> {
  const keyed = { ...input, idempotencyKey: randomHex() }
  const question =
    protocol === 'TUS'
      ? { query: MINT_TUS, variables: { input: { ...keyed, sizeBytes } } }
      : { query: MINT_BASIC, variables: { input: keyed } }
  // The key stays the same over all attempts: a lost answer is given again, and nothing is minted.
  return tryAgain(parts, signal, async () => readMinted(await ask(parts, question, signal)))
}

function readMinted(outcome: unknown): Minted {
  if (mintedTus.is(outcome)) {
    const { upload, uploadURL, chunkSizeBytes } = outcome
    const { uid } = upload
    return {
      destination: { uid, uploadURL, protocol: 'TUS', formField: NO_FORM, chunkSizeBytes },
      upload,
    }
  }
  if (mintedBasic.is(outcome)) {
    const { upload, uploadURL, formField } = outcome
    const { uid } = upload
    return {
      destination: { uid, uploadURL, protocol: 'BASIC', formField, chunkSizeBytes: NO_CHUNKS },
      upload,
    }
  }
  throw refusalFrom(outcome, '')
}
