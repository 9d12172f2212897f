/** Addresses of a video as the gateway returns them. */
import { type TypeOf, nullable, object, text } from '../shape.ts'

export const playbackShape = object({
  /** HLS manifest for players. */
  hlsURL: text,
  /** DASH manifest for players. */
  dashURL: text,
  /** Stream's player, for an iframe. */
  iframeURL: text,
  /** Still image. */
  thumbnailURL: text,
  /** Animated GIF of a part of the video. */
  animatedThumbnailURL: text,
  /** The signed token in these addresses; null for a public video. */
  token: nullable(text),
  /** RFC 3339. Null for a public video, whose addresses do not expire. */
  expiresAt: nullable(text),
})

/** Addresses that play a video. Those of a private video contain a token: whoever has one can play the video. */
export type Playback = TypeOf<typeof playbackShape>
