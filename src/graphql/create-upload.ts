/** Mutations that mint upload URLs: `createDirectUpload` and `createTusUpload`. */
import type { JsonObject } from '../shared/json.ts'
import { createUpload } from '../uploads/create/create-upload.ts'
import { type CreateUploadOutcome } from '../uploads/outcomes.ts'
import type { Minted } from '../uploads/outcomes.ts'
import { CHUNK_SIZE_BYTES } from '../uploads/limits.ts'
import type { UploadProtocol } from '../uploads/upload.ts'
import type { UploadRequest } from '../uploads/create/upload-request.ts'
import { builder } from './builder.ts'
import {
  ForbiddenError,
  IdempotencyConflictError,
  InvalidInputError,
  QuotaExceededError,
  RateLimitedError,
  StreamErrorType,
} from './error-types.ts'
import { UploadType } from './upload.ts'

const CreateDirectUploadInput = builder.inputType('CreateDirectUploadInput', {
  description: 'What a basic upload URL is minted with.',
  fields: (t) => ({
    ...commonInputFields(t, '30 minutes where left out.'),
  }),
})

const CreateTusUploadInput = builder.inputType('CreateTusUploadInput', {
  description: 'What a tus upload URL is minted with.',
  fields: (t) => ({
    sizeBytes: t.field({
      type: 'ByteCount',
      required: true,
      description: "Exact size of the file in bytes, as tus's Upload-Length: 1 to 30,000,000,000.",
    }),
    ...commonInputFields(t, '6 hours where left out, since large files take long.'),
  }),
})

type InputFields = Parameters<
  Extract<Parameters<typeof builder.inputType>[1]['fields'], (...args: never[]) => unknown>
>[0]

/** The fields of both inputs. */
function commonInputFields(t: InputFields, defaultExpiry: string) {
  return {
    maxDurationSeconds: t.int({
      required: true,
      description:
        'Longest video the URL accepts, 1 to 36000; it is reserved until the upload is received, fails or lapses.',
    }),
    expiry: t.field({
      type: 'DateTime',
      description: `When the URL lapses; 2 minutes to 6 hours ahead, ${defaultExpiry}`,
    }),
    name: t.string({
      description: "The video's name in Stream's dashboard, up to 256 characters.",
    }),
    meta: t.field({
      type: 'JSONObject',
      description:
        'Whatever you want to find again with the video, up to 4096 bytes of JSON. Values of a tus upload reach Stream as text.',
    }),
    allowedOrigins: t.stringList({
      description:
        'Hosts that may play the video, such as "example.com" or "*.example.com"; any where left out.',
    }),
    requireSignedURLs: t.boolean({
      description: 'Whether playing needs a signed token; false where left out.',
    }),
    scheduledDeletion: t.field({
      type: 'DateTime',
      description: 'When Stream is to delete the video, 30 to 1,096 days ahead.',
    }),
    thumbnailTimestampPct: t.float({
      description: 'Where the thumbnail is taken, from 0 (start) to 1 (end).',
    }),
    creator: t.string({
      description: "Administrators only; otherwise the caller's subject.",
    }),
    idempotencyKey: t.string({
      description:
        'A retry with the same key returns the same upload and reserves nothing more, even where its URL is spent by now: see its status. 1 to 255 characters, remembered for 24 hours.',
    }),
  }
}

const CreateDirectUploadSuccess = builder.objectRef<Minted>('CreateDirectUploadSuccess').implement({
  description: 'The URL is minted, and its maximum duration reserved.',
  fields: (t) => ({
    uploadURL: t.expose('uploadURL', {
      type: 'URL',
      description: 'POST the file here as multipart/form-data, once.',
    }),
    formField: t.string({
      description: 'Name of the form field that carries the file: `file`.',
      resolve: () => 'file',
    }),
    upload: t.expose('upload', { type: UploadType, description: 'The upload as recorded.' }),
  }),
})

const CreateTusUploadSuccess = builder.objectRef<Minted>('CreateTusUploadSuccess').implement({
  description: 'The URL is minted, and its maximum duration reserved.',
  fields: (t) => ({
    uploadURL: t.expose('uploadURL', {
      type: 'URL',
      description: 'Give it to the tus client as its `uploadUrl`, not as its `endpoint`.',
    }),
    chunkSizeBytes: t.field({
      type: 'ByteCount',
      description:
        'A chunk size that Stream takes: a multiple of 256 KiB, between 5 and 200 MiB. Only the last chunk may differ.',
      resolve: () => CHUNK_SIZE_BYTES,
    }),
    upload: t.expose('upload', { type: UploadType, description: 'The upload as recorded.' }),
  }),
})

const errorTypes = [
  InvalidInputError,
  QuotaExceededError,
  RateLimitedError,
  ForbiddenError,
  IdempotencyConflictError,
  StreamErrorType,
] as const

const CreateDirectUploadResult = builder.unionType('CreateDirectUploadResult', {
  description: 'The URL, or why there is none.',
  types: [CreateDirectUploadSuccess, ...errorTypes],
  resolveType: (outcome: CreateUploadOutcome) =>
    outcome.kind === 'Minted' ? 'CreateDirectUploadSuccess' : outcome.kind,
})

const CreateTusUploadResult = builder.unionType('CreateTusUploadResult', {
  description: 'The URL, or why there is none.',
  types: [CreateTusUploadSuccess, ...errorTypes],
  resolveType: (outcome: CreateUploadOutcome) =>
    outcome.kind === 'Minted' ? 'CreateTusUploadSuccess' : outcome.kind,
})

builder.mutationFields((t) => ({
  createDirectUpload: t.field({
    type: CreateDirectUploadResult,
    description: 'Mints a one-time URL for one POST of at most 200 MB.',
    args: {
      input: t.arg({
        type: CreateDirectUploadInput,
        required: true,
        description: 'What the URL is minted with.',
      }),
    },
    resolve: (_root, { input }, { dependencies, viewer }) =>
      createUpload(dependencies, viewer, toUploadRequest('BASIC', null, input)),
  }),
  createTusUpload: t.field({
    type: CreateTusUploadResult,
    description: 'Mints a one-time tus URL for a resumable upload of at most 30 GB.',
    args: {
      input: t.arg({
        type: CreateTusUploadInput,
        required: true,
        description: 'What the URL is minted with.',
      }),
    },
    resolve: (_root, { input }, { dependencies, viewer }) =>
      createUpload(dependencies, viewer, toUploadRequest('TUS', input.sizeBytes, input)),
  }),
}))

/** Both inputs as parsed by GraphQL: omitted fields are undefined or null. */
interface CommonInput {
  readonly maxDurationSeconds: number
  readonly expiry?: Date | null | undefined
  readonly name?: string | null | undefined
  readonly meta?: JsonObject | null | undefined
  readonly allowedOrigins?: readonly string[] | null | undefined
  readonly requireSignedURLs?: boolean | null | undefined
  readonly scheduledDeletion?: Date | null | undefined
  readonly thumbnailTimestampPct?: number | null | undefined
  readonly creator?: string | null | undefined
  readonly idempotencyKey?: string | null | undefined
}

function toUploadRequest(
  protocol: UploadProtocol,
  sizeBytes: number | null,
  input: CommonInput,
): UploadRequest {
  return {
    protocol,
    sizeBytes,
    maxDurationSeconds: input.maxDurationSeconds,
    expiry: input.expiry ?? null,
    name: input.name ?? null,
    meta: input.meta ?? null,
    allowedOrigins: input.allowedOrigins ?? null,
    requireSignedURLs: input.requireSignedURLs ?? null,
    scheduledDeletion: input.scheduledDeletion ?? null,
    thumbnailTimestampPct: input.thumbnailTimestampPct ?? null,
    creator: input.creator ?? null,
    idempotencyKey: input.idempotencyKey ?? null,
  }
}
