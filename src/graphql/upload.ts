/** The type `Upload` with its fields' types, and the query `upload`. */
import { viewUpload } from '../uploads/find-upload.ts'
import {
  type Upload,
  type UploadConstraints,
  type UploadEvent,
  type UploadFailure,
  type UploadProgress,
  isUsable,
} from '../uploads/upload.ts'
import { builder, jsonLeaf } from './builder.ts'
import { Node } from './node.ts'
import {
  countEvents,
  countJson,
  countNullable,
  countText,
  countTexts,
} from './result-characters.ts'
import { VideoType, hasVideo } from './video.ts'

export const UploadProtocolEnum = builder.enumType('UploadProtocol', {
  description: 'Upload protocol.',
  values: {
    BASIC: { description: 'One multipart/form-data POST of the field `file`, up to 200 MB.' },
    TUS: { description: 'tus 1.0.0 resumable upload; required above 200 MB.' },
  } as const,
})

export const UploadStatusEnum = builder.enumType('UploadStatus', {
  description:
    'Status of an upload. It only moves forward, except from DELETED if the video was missing at Stream and reappears.',
  values: {
    PENDING_UPLOAD: { description: 'The URL was created, and no bytes were received yet.' },
    UPLOADING: {
      description: 'Stream is receiving bytes. Only tus uploads have this status, by their offset.',
    },
    QUEUED: { description: 'Received; waiting for an encoder.' },
    IN_PROGRESS: { description: 'Encoding; see `progress.encodingPercent`.' },
    READY: { description: 'Playable. Terminal until deleted.' },
    ERROR: {
      description: 'Stream rejected the file or could not encode it; see `failure`. Terminal.',
    },
    EXPIRED: { description: 'The URL expired before the upload was received. Terminal.' },
    DELETED: {
      description:
        'Deleted through the gateway, which is final, or missing at Stream. Terminal: subscriptions end. If a missing video reappears at Stream, the upload returns to its status at Stream, which `history` shows.',
    },
  } as const,
})

const UploadEventSourceEnum = builder.enumType('UploadEventSource', {
  description: 'Source of a status change.',
  values: {
    MUTATION: { description: 'Mutation through this gateway.' },
    WEBHOOK: { description: 'Webhook from Stream.' },
    SYNC: { description: 'Result of polling Stream.' },
  } as const,
})

const UploadConstraintsType = builder.objectRef<UploadConstraints>('UploadConstraints').implement({
  description: 'Constraints that Stream enforces for the upload.',
  fields: (t) => ({
    maxDurationSeconds: t.exposeInt('maxDurationSeconds', {
      description: 'Maximum duration in seconds. A longer video ends in ERROR.',
    }),
    maxSizeBytes: t.expose('maxSizeBytes', {
      type: 'ByteCount',
      description: 'Maximum file size in bytes.',
    }),
    allowedOrigins: t.stringList({
      description: 'Hosts that can play the video; empty for all hosts.',
      resolve: ({ allowedOrigins }, _args, context) => countTexts(context, allowedOrigins),
    }),
    requireSignedURLs: t.exposeBoolean('requireSignedURLs', {
      description: 'Whether playback requires a signed token.',
    }),
    scheduledDeletion: t.expose('scheduledDeletion', {
      type: 'DateTime',
      nullable: true,
      description: 'Time at which Stream deletes the video; null for never.',
    }),
  }),
})

const UploadProgressType = builder.objectRef<UploadProgress>('UploadProgress').implement({
  description: 'Progress of the upload and its encoding.',
  fields: (t) => ({
    totalBytes: t.expose('totalBytes', {
      type: 'ByteCount',
      nullable: true,
      description:
        'Size of the file in bytes; null if unknown. Declared for tus uploads, reported by Stream after a basic upload.',
    }),
    receivedBytes: t.expose('receivedBytes', {
      type: 'ByteCount',
      nullable: true,
      description: 'Bytes that Stream has received; null if unknown.',
    }),
    encodingPercent: t.exposeFloat('encodingPercent', {
      nullable: true,
      description: 'Encoding progress, 0 to 100; null before encoding starts.',
    }),
  }),
})

const UploadFailureType = builder.objectRef<UploadFailure>('UploadFailure').implement({
  description: 'Reason why an upload ended in ERROR.',
  fields: (t) => ({
    code: t.exposeString('code', {
      description: "Stream's `errorReasonCode`, or a code of the gateway.",
    }),
    message: t.string({
      description: 'Reason, in English.',
      resolve: ({ message }, _args, context) => countText(context, message),
    }),
  }),
})

const UploadEventType = builder.objectRef<UploadEvent>('UploadEvent').implement({
  description: 'A status change of an upload.',
  fields: (t) => ({
    status: t.expose('status', {
      type: UploadStatusEnum,
      description: 'New status of the upload.',
    }),
    source: t.expose('source', {
      type: UploadEventSourceEnum,
      description: 'Source of the status change.',
    }),
    at: t.expose('at', {
      type: 'DateTime',
      description: 'Time at which the gateway recorded the change.',
    }),
  }),
})

export const UploadType = builder.objectRef<Upload>('Upload').implement({
  description: 'An upload: a one-time upload URL and the resulting video.',
  interfaces: [Node],
  fields: (t) => ({
    uid: t.exposeID('uid', {
      description: "Stream's unique identifier of the video: 32 hex digits.",
    }),
    protocol: t.expose('protocol', {
      type: UploadProtocolEnum,
      description: 'Protocol of the upload URL.',
    }),
    status: t.expose('status', {
      type: UploadStatusEnum,
      description: 'Status of the upload.',
    }),
    version: t.exposeInt('version', {
      description:
        'Increases with each recorded change. Clients ignore an upload with a smaller version than the one they have.',
    }),
    uploadURL: t.field({
      type: 'URL',
      nullable: true,
      description: 'One-time upload URL. Only its creator can read it, while it can still be used.',
      resolve: (upload, _args, context) =>
        upload.creator === context.viewer.subject &&
        isUsable(upload, context.dependencies.clock.now())
          ? countNullable(context, upload.uploadURL)
          : null,
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'Expiry of the upload URL.',
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      description: 'Time of the request.',
    }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'Time of the last recorded change.',
    }),
    creator: t.exposeString('creator', {
      nullable: true,
      description:
        'Owner of the upload: the subject of the caller, or the creator that an administrator set.',
    }),
    name: t.string({
      nullable: true,
      description: "Name of the video in Stream's dashboard.",
      resolve: ({ name }, _args, context) => countNullable(context, name),
    }),
    meta: t.field({
      type: 'JSONObject',
      description: 'Custom metadata, as in the request.',
      resolve: ({ meta }, _args, context) => {
        context.resultLimit.consume(1)
        return jsonLeaf(countJson(context, meta))
      },
    }),
    constraints: t.expose('constraints', {
      type: UploadConstraintsType,
      description: 'Constraints that Stream enforces for the upload.',
    }),
    progress: t.expose('progress', {
      type: UploadProgressType,
      description: 'Progress in bytes received and percent encoded.',
    }),
    failure: t.field({
      type: UploadFailureType,
      nullable: true,
      // The record keeps it while Stream does not know the video, which may reappear with it.
      resolve: ({ status, failure }) => (status === 'ERROR' ? failure : null),
      description: 'Failure; null unless the status is ERROR.',
    }),
    video: t.field({
      type: VideoType,
      nullable: true,
      description: 'Video; null until Stream has received the file.',
      resolve: (upload) => (hasVideo(upload) ? upload : null),
    }),
    history: t.field({
      type: [UploadEventType],
      description: 'All status changes, oldest first.',
      resolve: async (upload, _args, context) =>
        countEvents(context, await context.history(upload.id)),
    }),
  }),
})

builder.queryField('upload', (t) =>
  t.field({
    type: UploadType,
    nullable: true,
    description:
      'The upload with this uid. Null if it does not exist, or belongs to another creator.',
    args: {
      uid: t.arg.id({ required: true, description: "Stream's unique identifier of the video." }),
    },
    resolve: (_root, { uid }, { dependencies, viewer }) => viewUpload(dependencies, viewer, uid),
  }),
)
