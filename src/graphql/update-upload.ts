/** Mutation `updateUpload`: changes an upload or its video. */
import type { UpdateUploadOutcome, Updated } from '../uploads/outcomes.ts'
import type { UpdateRequest } from '../uploads/update/update-request.ts'
import { updateUpload } from '../uploads/update/update-upload.ts'
import { builder } from './builder.ts'
import {
  ConflictError,
  ForbiddenError,
  InvalidInputError,
  QuotaExceededError,
  RateLimitedError,
  StreamErrorType,
  UploadNotFoundError,
} from './error-types.ts'
import { UploadType } from './upload.ts'

const UpdateUploadInput = builder.inputType('UpdateUploadInput', {
  description: 'Input of `updateUpload`. Omitted fields stay as they are.',
  fields: (t) => ({
    uid: t.id({ required: true, description: "Stream's unique identifier of the video." }),
    expectedVersion: t.int({
      description:
        'Version on which the change is based: nothing is changed, with CONFLICT, if the upload has another version. Default: not checked.',
    }),
    name: t.string({
      description:
        "Name of the video in Stream's dashboard, up to 256 characters; null removes it.",
    }),
    meta: t.field({
      type: 'JSONObject',
      description: 'Custom metadata, up to 4096 bytes of JSON. Replaces the whole object.',
    }),
    allowedOrigins: t.stringList({
      description:
        'Hosts that can play the video, such as "example.com" or "*.example.com"; an empty list for all hosts.',
    }),
    requireSignedURLs: t.boolean({ description: 'Whether playback requires a signed token.' }),
    scheduledDeletion: t.field({
      type: 'DateTime',
      description:
        'Time at which Stream deletes the video, 30 to 1,096 days ahead; null for never.',
    }),
    thumbnailTimestampPct: t.float({
      description: 'Position of the thumbnail, from 0 (start) to 1 (end).',
    }),
    maxDurationSeconds: t.int({
      description:
        'Maximum duration of the video in seconds, while the upload URL can be used. The reservation changes with it.',
    }),
    expiry: t.field({
      type: 'DateTime',
      description: 'Expiry of the upload URL, while it can be used: 2 minutes to 6 hours ahead.',
    }),
  }),
})

const UpdateUploadSuccess = builder.objectRef<Updated>('UpdateUploadSuccess').implement({
  description: 'Stream confirmed the change.',
  fields: (t) => ({
    upload: t.expose('upload', { type: UploadType, description: 'The upload with the change.' }),
  }),
})

const UpdateUploadResult = builder.unionType('UpdateUploadResult', {
  description: 'The changed upload, or an error.',
  types: [
    UpdateUploadSuccess,
    UploadNotFoundError,
    ConflictError,
    InvalidInputError,
    QuotaExceededError,
    RateLimitedError,
    ForbiddenError,
    StreamErrorType,
  ],
  resolveType: (outcome: UpdateUploadOutcome) =>
    outcome.kind === 'Updated' ? 'UpdateUploadSuccess' : outcome.kind,
})

builder.mutationField('updateUpload', (t) =>
  t.field({
    type: UpdateUploadResult,
    description:
      'Changes an upload or its video at Stream. Extends the upload URL, while it can be used.',
    args: {
      input: t.arg({
        type: UpdateUploadInput,
        required: true,
        description: 'The changes.',
      }),
    },
    resolve: (_root, { input }, { dependencies, viewer }) =>
      updateUpload(dependencies, viewer, toUpdateRequest(input)),
  }),
)

function toUpdateRequest(input: typeof UpdateUploadInput.$inferInput): UpdateRequest {
  return {
    uid: input.uid,
    expectedVersion: input.expectedVersion ?? null,
    name: input.name,
    meta: input.meta ?? null,
    allowedOrigins: input.allowedOrigins ?? null,
    requireSignedURLs: input.requireSignedURLs ?? null,
    scheduledDeletion: input.scheduledDeletion,
    thumbnailTimestampPct: input.thumbnailTimestampPct ?? null,
    maxDurationSeconds: input.maxDurationSeconds ?? null,
    expiry: input.expiry ?? null,
  }
}
