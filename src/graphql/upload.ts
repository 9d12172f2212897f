/** The type `Upload` with its fields' types, and the query `upload`. */
import { viewUpload } from '../uploads/find-upload.ts'
import {
  type Upload,
  type UploadConstraints,
  type UploadEvent,
  type UploadFailure,
  type UploadProgress,
  type Video,
  isUsable,
} from '../uploads/upload.ts'
import { builder } from './builder.ts'
import { jsonLeaf } from './json-leaf.ts'
import { Node } from './node.ts'
import { countJson, countNullable, countText, countTexts } from './result-characters.ts'

export const UploadProtocolEnum = builder.enumType('UploadProtocol', {
  description: 'How the bytes travel to Stream.',
  values: {
    BASIC: { description: 'One multipart/form-data POST of the field `file`, up to 200 MB.' },
    TUS: { description: 'tus 1.0.0 resumable upload; required above 200 MB.' },
  } as const,
})

export const UploadStatusEnum = builder.enumType('UploadStatus', {
  description:
    'What has become of an upload. It only moves forward, except that DELETED is corrected when Stream did not know the video and knows it again.',
  values: {
    PENDING_UPLOAD: { description: 'The URL is minted; no byte has been seen yet.' },
    UPLOADING: { description: 'Bytes are arriving (seen for tus uploads through their offset).' },
    QUEUED: { description: 'Received; waiting for an encoder.' },
    IN_PROGRESS: { description: 'Encoding; see `progress.encodingPercent`.' },
    READY: { description: 'Playable. Terminal until deleted.' },
    ERROR: { description: 'Stream refused or could not encode it; see `failure`. Terminal.' },
    EXPIRED: { description: 'The URL lapsed before the upload was received. Terminal.' },
    DELETED: {
      description:
        'Deleted through the gateway, which is final, or no longer known to Stream. Terminal: subscriptions end. Where Stream knows the video again, the upload returns to what Stream says of it; `history` tells.',
    },
  } as const,
})

const UploadEventSourceEnum = builder.enumType('UploadEventSource', {
  description:
    'Who told the gateway of a change: a mutation, a webhook of Stream, or its own question.',
  values: {
    MUTATION: { description: 'A mutation through this gateway.' },
    WEBHOOK: { description: 'A notice that Stream sent.' },
    SYNC: { description: 'The gateway asked Stream.' },
  } as const,
})

const UploadConstraintsType = builder.objectRef<UploadConstraints>('UploadConstraints').implement({
  description: 'What Stream will hold the upload to.',
  fields: (t) => ({
    maxDurationSeconds: t.exposeInt('maxDurationSeconds', {
      description: 'Longest video that the URL accepts, in seconds; a longer one ends in ERROR.',
    }),
    maxSizeBytes: t.expose('maxSizeBytes', {
      type: 'ByteCount',
      description: 'Largest file this URL accepts.',
    }),
    allowedOrigins: t.stringList({
      description: 'Hosts that may play the video; empty for any.',
      resolve: ({ allowedOrigins }, _args, context) => countTexts(context, allowedOrigins),
    }),
    requireSignedURLs: t.exposeBoolean('requireSignedURLs', {
      description: 'Whether playing needs a signed token.',
    }),
    scheduledDeletion: t.expose('scheduledDeletion', {
      type: 'DateTime',
      nullable: true,
      description: 'When Stream deletes the video by itself; null for never.',
    }),
  }),
})

const UploadProgressType = builder.objectRef<UploadProgress>('UploadProgress').implement({
  description: 'How far the upload and its encoding have come.',
  fields: (t) => ({
    totalBytes: t.expose('totalBytes', {
      type: 'ByteCount',
      nullable: true,
      description:
        'Size of the file in bytes, where known (declared for tus, reported by Stream after a basic upload).',
    }),
    receivedBytes: t.expose('receivedBytes', {
      type: 'ByteCount',
      nullable: true,
      description: 'Bytes that Stream has received, where known.',
    }),
    encodingPercent: t.exposeFloat('encodingPercent', {
      nullable: true,
      description: '0 to 100 over the encoding; null before it starts.',
    }),
  }),
})

const UploadFailureType = builder.objectRef<UploadFailure>('UploadFailure').implement({
  description: 'Why an upload ended in ERROR.',
  fields: (t) => ({
    code: t.exposeString('code', {
      description: "Stream's errorReasonCode, or the gateway's own.",
    }),
    message: t.string({
      description: 'The reason in words.',
      resolve: ({ message }, _args, context) => countText(context, message),
    }),
  }),
})

const VideoType = builder.objectRef<Video>('Video').implement({
  description: 'What stands at Stream once the file was received.',
  fields: (t) => ({
    durationSeconds: t.exposeFloat('durationSeconds', {
      nullable: true,
      description: 'Length in seconds; null until Stream has looked into the file.',
    }),
    width: t.exposeInt('width', { nullable: true, description: 'Pixels, where known.' }),
    height: t.exposeInt('height', { nullable: true, description: 'Pixels, where known.' }),
    sizeBytes: t.expose('sizeBytes', {
      type: 'ByteCount',
      nullable: true,
      description: 'Size of the received file.',
    }),
    hlsURL: t.field({
      type: 'URL',
      nullable: true,
      description: 'HLS manifest for players.',
      resolve: ({ hlsURL }, _args, context) => countNullable(context, hlsURL),
    }),
    dashURL: t.field({
      type: 'URL',
      nullable: true,
      description: 'DASH manifest for players.',
      resolve: ({ dashURL }, _args, context) => countNullable(context, dashURL),
    }),
    thumbnailURL: t.field({
      type: 'URL',
      nullable: true,
      description: 'A still picture of the video.',
      resolve: ({ thumbnailURL }, _args, context) => countNullable(context, thumbnailURL),
    }),
    previewURL: t.field({
      type: 'URL',
      nullable: true,
      description: 'A page (or file) where the video can be watched.',
      resolve: ({ previewURL }, _args, context) => countNullable(context, previewURL),
    }),
    readyAt: t.expose('readyAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the video became playable.',
    }),
  }),
})

const UploadEventType = builder.objectRef<UploadEvent>('UploadEvent').implement({
  description: 'One recorded change of status, oldest first in `Upload.history`.',
  fields: (t) => ({
    status: t.expose('status', {
      type: UploadStatusEnum,
      description: 'The status that the upload moved to.',
    }),
    source: t.expose('source', {
      type: UploadEventSourceEnum,
      description: 'Who told the gateway.',
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When the gateway recorded it.' }),
  }),
})

export const UploadType = builder.objectRef<Upload>('Upload').implement({
  description: 'One one-time upload URL, and the video that came of it.',
  interfaces: [Node],
  fields: (t) => ({
    uid: t.exposeID('uid', {
      description: "Stream's unique identifier of the video: 32 hex digits.",
    }),
    protocol: t.expose('protocol', {
      type: UploadProtocolEnum,
      description: 'Which kind of URL was minted.',
    }),
    status: t.expose('status', {
      type: UploadStatusEnum,
      description: 'What has become of it; only moves forward.',
    }),
    version: t.exposeInt('version', {
      description:
        'Grows by one with each recorded change; a reader that holds a larger one ignores the smaller.',
    }),
    uploadURL: t.field({
      type: 'URL',
      nullable: true,
      description:
        'The one-time URL. Only its creator sees it, and only while it can still be used.',
      resolve: (upload, _args, context) =>
        upload.creator === context.viewer.subject &&
        isUsable(upload, context.dependencies.clock.now())
          ? countNullable(context, upload.uploadURL)
          : null,
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When the URL lapses.' }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      description: 'When the URL was asked for.',
    }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'When the newest change was recorded.',
    }),
    creator: t.exposeString('creator', {
      nullable: true,
      description:
        'Whom it belongs to: the subject of the caller who minted it, or whom an administrator named.',
    }),
    name: t.string({
      nullable: true,
      description: "The video's name in Stream's dashboard.",
      resolve: ({ name }, _args, context) => countNullable(context, name),
    }),
    meta: t.field({
      type: 'JSONObject',
      description: 'As it was given when minted.',
      resolve: ({ meta }, _args, context) => {
        context.resultLimit.consume(1)
        return jsonLeaf(countJson(context, meta))
      },
    }),
    constraints: t.expose('constraints', {
      type: UploadConstraintsType,
      description: 'What Stream will hold the upload to.',
    }),
    progress: t.expose('progress', {
      type: UploadProgressType,
      description: 'Bytes received and percent encoded.',
    }),
    failure: t.field({
      type: UploadFailureType,
      nullable: true,
      // The record keeps it while Stream does not know the video, which may reappear with it.
      resolve: ({ status, failure }) => (status === 'ERROR' ? failure : null),
      description: 'Set when status is ERROR.',
    }),
    video: t.expose('video', {
      type: VideoType,
      nullable: true,
      description: 'Set once Stream has received the file.',
    }),
    history: t.field({
      type: [UploadEventType],
      description: 'Every recorded change of status, oldest first.',
      resolve: (upload, _args, { history }) => history(upload.id),
    }),
  }),
})

builder.queryField('upload', (t) =>
  t.field({
    type: UploadType,
    nullable: true,
    description: "Null where there is none, or it is not the caller's.",
    args: { uid: t.arg.id({ required: true, description: "Stream's identifier of the video." }) },
    resolve: (_root, { uid }, { dependencies, viewer }) => viewUpload(dependencies, viewer, uid),
  }),
)
