/** The type `Video`. */
import type { Upload, Video } from '../uploads/upload.ts'
import { builder } from './builder.ts'
import type { GraphQLContext } from './context.ts'
import { PlaybackType, playbackArguments, resolvePlayback } from './playback.ts'
import { countNullable } from './result-characters.ts'

/** An upload whose file Stream has received: the fields of its video depend on its constraints and status. */
type UploadWithVideo = Upload & { readonly video: Video }

export function hasVideo(upload: Upload): upload is UploadWithVideo {
  return upload.video !== null
}

/** Returns an address of the video; null if it is private, because the address does not work without a token. */
function plainURL(
  { constraints, video }: UploadWithVideo,
  field: 'hlsURL' | 'dashURL' | 'thumbnailURL' | 'previewURL',
  context: GraphQLContext,
): string | null {
  return constraints.requireSignedURLs ? null : countNullable(context, video[field])
}

export const VideoType = builder.objectRef<UploadWithVideo>('Video').implement({
  description: 'The video at Stream, once the file is received.',
  fields: (t) => ({
    durationSeconds: t.float({
      nullable: true,
      description: 'Duration in seconds; null until Stream has read the file.',
      resolve: ({ video }) => video.durationSeconds,
    }),
    width: t.int({
      nullable: true,
      description: 'In pixels; null if unknown.',
      resolve: ({ video }) => video.width,
    }),
    height: t.int({
      nullable: true,
      description: 'In pixels; null if unknown.',
      resolve: ({ video }) => video.height,
    }),
    sizeBytes: t.field({
      type: 'ByteCount',
      nullable: true,
      description: 'Size of the received file in bytes.',
      resolve: ({ video }) => video.sizeBytes,
    }),
    hlsURL: t.field({
      type: 'URL',
      nullable: true,
      description:
        'HLS manifest for players; null if playback requires a signed token: see `playback`.',
      resolve: (upload, _args, context) => plainURL(upload, 'hlsURL', context),
    }),
    dashURL: t.field({
      type: 'URL',
      nullable: true,
      description:
        'DASH manifest for players; null if playback requires a signed token: see `playback`.',
      resolve: (upload, _args, context) => plainURL(upload, 'dashURL', context),
    }),
    thumbnailURL: t.field({
      type: 'URL',
      nullable: true,
      description:
        'URL of a thumbnail image; null if playback requires a signed token: see `playback`.',
      resolve: (upload, _args, context) => plainURL(upload, 'thumbnailURL', context),
    }),
    previewURL: t.field({
      type: 'URL',
      nullable: true,
      description:
        'URL of a page or file that plays the video; null if playback requires a signed token: see `playback`.',
      resolve: (upload, _args, context) => plainURL(upload, 'previewURL', context),
    }),
    playback: t.field({
      type: PlaybackType,
      nullable: true,
      description:
        'How to play the video, with a signed token if it is private. Null until the upload is READY.',
      args: playbackArguments,
      resolve: resolvePlayback,
    }),
    readyAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Time at which the video became playable.',
      resolve: ({ video }) => video.readyAt,
    }),
  }),
})
