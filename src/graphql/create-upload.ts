/** Mutations that mint upload URLs: `createDirectUpload` and `createTusUpload`. */
import type { JsonObject } from '../shared/json.ts'
import { createUpload } from '../uploads/create/create-upload.ts'
import { type CreateUploadOutcome, type Minted } from '../uploads/outcomes.ts'
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
  description: 'Input of `createDirectUpload`.',
  fields: (t) => ({
    ...commonInputFields(t, 'default: 30 minutes.'),
  }),
})

const CreateTusUploadInput = builder.inputType('CreateTusUploadInput', {
  description: 'Input of `createTusUpload`.',
  fields: (t) => ({
    sizeBytes: t.field({
      type: 'ByteCount',
      required: true,
      description:
        'Exact size of the file in bytes, 1 to 30,000,000,000. Sent to Stream as `Upload-Length`.',
    }),
    ...commonInputFields(t, 'default: 6 hours.'),
  }),
})

type InputFields = Parameters<
  Extract<Parameters<typeof builder.inputType>[1]['fields'], (...args: never[]) => unknown>
>[0]

/** The fields that all inputs share. */
export function commonInputFields(t: InputFields, defaultExpiry: string) {
  return {
    maxDurationSeconds: t.int({
      required: true,
      description:
        'Maximum duration of the video in seconds, 1 to 36000. It is reserved until the upload is received, fails or expires.',
    }),
    expiry: t.field({
      type: 'DateTime',
      description: `Expiry of the URL, 2 minutes to 6 hours ahead; ${defaultExpiry}`,
    }),
    name: t.string({
      description: "Name of the video in Stream's dashboard, up to 256 characters.",
    }),
    meta: t.field({
      type: 'JSONObject',
      description:
        'Custom metadata of the video, up to 4096 bytes of JSON. Stream stores the values of a tus upload as text.',
    }),
    allowedOrigins: t.stringList({
      description:
        'Hosts that can play the video, such as "example.com" or "*.example.com". Default: all hosts.',
    }),
    requireSignedURLs: t.boolean({
      description: 'Whether playback requires a signed token. Default: false.',
    }),
    scheduledDeletion: t.field({
      type: 'DateTime',
      description:
        'Time at which Stream deletes the video, 30 to 1,096 days ahead. Default: never.',
    }),
    thumbnailTimestampPct: t.float({
      description: 'Position of the thumbnail, from 0 (start) to 1 (end).',
    }),
    creator: t.string({
      description:
        'Creator of the video. Only administrators can set it. Default: the subject of the caller.',
    }),
    idempotencyKey: t.string({
      description:
        'A retry with the same key returns the same upload and reserves nothing more. Check the status of the upload: its URL may be used already. 1 to 255 characters, valid for 24 hours.',
    }),
  }
}

export const CreateDirectUploadSuccess = builder
  .objectRef<Minted>('CreateDirectUploadSuccess')
  .implement({
    description: 'The URL was created, and its maximum duration is reserved.',
    fields: (t) => ({
      uploadURL: t.expose('uploadURL', {
        type: 'URL',
        description: 'One-time upload URL. POST the file to it as multipart/form-data.',
      }),
      formField: t.string({
        description: 'Name of the form field that carries the file: `file`.',
        resolve: () => 'file',
      }),
      upload: t.expose('upload', { type: UploadType, description: 'The new upload.' }),
    }),
  })

export const CreateTusUploadSuccess = builder
  .objectRef<Minted>('CreateTusUploadSuccess')
  .implement({
    description: 'The URL was created, and its maximum duration is reserved.',
    fields: (t) => ({
      uploadURL: t.expose('uploadURL', {
        type: 'URL',
        description:
          'One-time upload URL. Pass it to the tus client as `uploadUrl`, not as `endpoint`.',
      }),
      chunkSizeBytes: t.field({
        type: 'ByteCount',
        description:
          'Recommended chunk size in bytes: a multiple of 256 KiB, between 5 and 200 MiB. Only the last chunk may be smaller.',
        resolve: () => CHUNK_SIZE_BYTES,
      }),
      upload: t.expose('upload', { type: UploadType, description: 'The new upload.' }),
    }),
  })

/** Types of the expected errors of a creation. */
export const creationErrorTypes = [
  InvalidInputError,
  QuotaExceededError,
  RateLimitedError,
  ForbiddenError,
  IdempotencyConflictError,
  StreamErrorType,
] as const

const CreateDirectUploadResult = builder.unionType('CreateDirectUploadResult', {
  description: 'The URL, or an error.',
  types: [CreateDirectUploadSuccess, ...creationErrorTypes],
  resolveType: (outcome: CreateUploadOutcome) =>
    outcome.kind === 'Minted' ? 'CreateDirectUploadSuccess' : outcome.kind,
})

const CreateTusUploadResult = builder.unionType('CreateTusUploadResult', {
  description: 'The URL, or an error.',
  types: [CreateTusUploadSuccess, ...creationErrorTypes],
  resolveType: (outcome: CreateUploadOutcome) =>
    outcome.kind === 'Minted' ? 'CreateTusUploadSuccess' : outcome.kind,
})

builder.mutationFields((t) => ({
  createDirectUpload: t.field({
    type: CreateDirectUploadResult,
    description: 'Creates an upload and a one-time URL for one POST of at most 200 MB.',
    args: {
      input: t.arg({
        type: CreateDirectUploadInput,
        required: true,
        description: 'Settings of the upload.',
      }),
    },
    resolve: (_root, { input }, { dependencies, viewer }) =>
      createUpload(dependencies, viewer, toUploadRequest('BASIC', null, input)),
  }),
  createTusUpload: t.field({
    type: CreateTusUploadResult,
    description:
      'Creates an upload and a one-time tus URL for a resumable upload of at most 30 GB.',
    args: {
      input: t.arg({
        type: CreateTusUploadInput,
        required: true,
        description: 'Settings of the upload.',
      }),
    },
    resolve: (_root, { input }, { dependencies, viewer }) =>
      createUpload(dependencies, viewer, toUploadRequest('TUS', input.sizeBytes, input)),
  }),
}))

/** The shared fields as parsed by GraphQL: omitted fields are undefined or null. */
export interface CommonInput {
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

export function toUploadRequest(
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
