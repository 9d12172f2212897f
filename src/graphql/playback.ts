/** The type `Playback`, and the query `playback`. `Video.playback` is in video.ts. */
import {
  type Playback,
  type PlaybackOptions,
  type PlaybackOutcome,
  TTL_SECONDS,
  playUpload,
  playVideo,
} from '../uploads/playback.ts'
import { MAX_STREAM_DURATION_SECONDS } from '../uploads/limits.ts'
import type { MaybePromise } from '../uploads/ports/upload-store.ts'
import type { Upload } from '../uploads/upload.ts'
import { badUserInput, outcomeError } from './query-errors.ts'
import { builder } from './builder.ts'
import type { GraphQLContext } from './context.ts'
import { countNullable, countText } from './result-characters.ts'

const ThumbnailFit = builder.enumType('ThumbnailFit', {
  description: 'How a thumbnail is fitted into the requested width and height.',
  values: {
    CLIP: { description: 'As large as fits, never enlarged.' },
    CROP: { description: 'Fills both sides and cuts off the rest.' },
    FILL: { description: 'Fills both sides, with bars if the shape differs.' },
    SCALE: { description: 'Stretched to both sides.' },
  } as const,
})

/** Shortest animated thumbnail, in seconds. */
const MIN_ANIMATION_SECONDS = 0.1

/** Arguments of both thumbnail URLs. */
interface ThumbnailSize {
  readonly width?: number | null | undefined
  readonly height?: number | null | undefined
  readonly fit?: string | null | undefined
}

/**
 * Returns the URL with these parameters; those that are null are omitted.
 * https://developers.cloudflare.com/stream/viewing-videos/displaying-thumbnails/
 */
function withParameters(url: string, parameters: Readonly<Record<string, string | null>>): string {
  const entries = Object.entries(parameters).flatMap(([key, value]): [string, string][] =>
    value === null ? [] : [[key, value]],
  )
  return entries.length === 0 ? url : `${url}?${new URLSearchParams(entries).toString()}`
}

function sizeParameters({ width, height, fit }: ThumbnailSize): Record<string, string | null> {
  return {
    width: positive('width', width),
    height: positive('height', height),
    fit: fit?.toLowerCase() ?? null,
  }
}

function positive(name: string, value: number | null | undefined): string | null {
  if (value === null || value === undefined) return null
  if (value < 1) throw badUserInput(`\`${name}\` must be at least 1.`)
  return String(value)
}

/** Returns seconds as in `1.5s`, with milliseconds at most. */
function seconds(name: string, value: number | null | undefined, min: number): string | null {
  if (value === null || value === undefined) return null
  if (value < min || value > MAX_STREAM_DURATION_SECONDS) {
    throw badUserInput(`\`${name}\` must be from ${min} to ${MAX_STREAM_DURATION_SECONDS} seconds.`)
  }
  return `${Number(value.toFixed(3))}s`
}

export const PlaybackType = builder.objectRef<Playback>('Playback').implement({
  description:
    'Addresses that play a video. Those of a private video contain a signed token: everyone who has one of them can play the video until `expiresAt`.',
  fields: (t) => ({
    token: t.string({
      nullable: true,
      description:
        'The signed token in these addresses, for players that build their own; null for a public video.',
      resolve: ({ token }, _args, context) => countNullable(context, token),
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Expiry of the token; null for a public video.',
    }),
    hlsURL: t.field({
      type: 'URL',
      description: 'HLS manifest for players.',
      resolve: ({ hlsURL }, _args, context) => countText(context, hlsURL),
    }),
    dashURL: t.field({
      type: 'URL',
      description: 'DASH manifest for players.',
      resolve: ({ dashURL }, _args, context) => countText(context, dashURL),
    }),
    iframeURL: t.field({
      type: 'URL',
      description: "Stream's player, for an iframe.",
      resolve: ({ iframeURL }, _args, context) => countText(context, iframeURL),
    }),
    thumbnailURL: t.field({
      type: 'URL',
      description: 'URL of a still image.',
      args: {
        timeSeconds: t.arg.float({
          description: "Position in seconds; default: the thumbnail's position of the upload.",
        }),
        width: t.arg.int({ description: 'Width in pixels.' }),
        height: t.arg.int({ description: 'Height in pixels.' }),
        fit: t.arg({ type: ThumbnailFit, description: 'How the image is fitted.' }),
      },
      resolve: (playback, { timeSeconds, ...size }, context) =>
        countText(
          context,
          withParameters(playback.thumbnailURL, {
            time: seconds('timeSeconds', timeSeconds, 0),
            ...sizeParameters(size),
          }),
        ),
    }),
    animatedThumbnailURL: t.field({
      type: 'URL',
      description: 'URL of an animated GIF of a part of the video.',
      args: {
        startSeconds: t.arg.float({ description: 'Start of the part, in seconds.' }),
        durationSeconds: t.arg.float({
          description: `Duration of the part, in seconds; at least ${MIN_ANIMATION_SECONDS}.`,
        }),
        fps: t.arg.int({ description: 'Frames per second.' }),
        width: t.arg.int({ description: 'Width in pixels.' }),
        height: t.arg.int({ description: 'Height in pixels.' }),
        fit: t.arg({ type: ThumbnailFit, description: 'How the image is fitted.' }),
      },
      resolve: (playback, { startSeconds, durationSeconds, fps, ...size }, context) =>
        countText(
          context,
          withParameters(playback.animatedThumbnailURL, {
            time: seconds('startSeconds', startSeconds, 0),
            duration: seconds('durationSeconds', durationSeconds, MIN_ANIMATION_SECONDS),
            fps: positive('fps', fps),
            ...sizeParameters(size),
          }),
        ),
    }),
  }),
})

/** Arguments of both `playback` fields. */
export const playbackArguments = builder.args((t) => ({
  ttlSeconds: t.int({
    required: true,
    defaultValue: TTL_SECONDS.default,
    description: `How long the addresses work, in seconds, ${TTL_SECONDS.min} to ${TTL_SECONDS.max}. \`expiresAt\` is exact: equal requests share a token for a part of its life, at most half, and the longest life is a minute shorter, because clocks differ.`,
  }),
  downloadable: t.boolean({
    required: true,
    defaultValue: false,
    description: 'Whether the token also allows downloads.',
  }),
}))

/** Resolves `Video.playback`, of an upload that the viewer may see. */
export function resolvePlayback(
  upload: Upload,
  options: PlaybackOptions,
  context: GraphQLContext,
): MaybePromise<Playback | null> {
  validateTtl(options)
  const { dependencies, viewer, resultLimit } = context
  const isLimited =
    resultLimit.isOutOfCharacters() ||
    (upload.constraints.requireSignedURLs && !resultLimit.consumePlaybackToken())
  return isLimited ? null : playbackOrThrow(playUpload(dependencies, viewer, upload, options))
}

function validateTtl({ ttlSeconds }: PlaybackOptions): void {
  const { min, max } = TTL_SECONDS
  if (ttlSeconds < min || ttlSeconds > max)
    throw badUserInput(`\`ttlSeconds\` must be from ${min} to ${max}.`)
}

function playbackOrThrow(outcome: MaybePromise<PlaybackOutcome>): MaybePromise<Playback | null> {
  if (outcome instanceof Promise) return outcome.then(throwFailure)
  return throwFailure(outcome)
}

function throwFailure(outcome: PlaybackOutcome): Playback | null {
  if (outcome === null || outcome.kind === 'Playback') return outcome
  throw outcomeError(outcome)
}

builder.queryField('playback', (t) =>
  t.field({
    type: PlaybackType,
    nullable: true,
    description:
      'How to play a video: for its creator, administrators, and callers with the scope `videos:play`. Null if there is no such video, it does not play yet, or the caller is not allowed to play it.',
    args: {
      uid: t.arg.id({ required: true, description: "Stream's unique identifier of the video." }),
      ...playbackArguments,
    },
    resolve: (_root, { uid, ...options }, context) => {
      validateTtl(options)
      if (!context.resultLimit.consumePlaybackToken()) return null
      return playbackOrThrow(playVideo(context.dependencies, context.viewer, uid, options))
    },
  }),
)
