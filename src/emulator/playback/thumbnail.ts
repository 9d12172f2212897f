/** Draws placeholder thumbnails of a video; no frame is decoded. */
import { nameOf } from '../state/meta.ts'
import type { Video } from '../state/video.ts'
import { escapeMarkup } from './player-page.ts'
import { thumbnailGeometry, type Size } from './thumbnail-geometry.ts'
import type { AnimationParams, StillParams } from './thumbnail-query.ts'

/** Size of a picture before the file is read. */
const UNKNOWN_SIZE: Size = { width: 640, height: 360 }

/** A part of the video. */
interface Extract {
  /** Seconds. */
  readonly start: number
  /** Playing time in seconds; null for a still picture. */
  readonly seconds: number | null
}

/** Returns an SVG with name, size, duration and the position of the picture in the video; colored by uid. */
export function drawThumbnail(video: Video, params: StillParams): string {
  return draw(video, params, { start: startOf(video, params), seconds: null })
}

/** As `drawThumbnail`. The position moves evenly, up to the end of the video. A single picture does not move. */
export function drawAnimation(video: Video, params: AnimationParams): string {
  const pictures = Math.round(params.duration * params.fps)
  const seconds = pictures > 1 ? params.duration : null
  return draw(video, params, { start: startOf(video, params), seconds })
}

function draw(video: Video, params: StillParams, extract: Extract): string {
  const size = sizeOf(video)
  const { width, height, picture } = thumbnailGeometry(size, {
    width: params.width ?? null,
    height: params.height ?? null,
    fit: params.fit,
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
  <rect width="100%" height="100%"/>
  <svg x="${picture.x}" y="${picture.y}" width="${picture.width}" height="${picture.height}" viewBox="0 0 ${size.width} ${size.height}" preserveAspectRatio="none">
${drawPicture(video, extract.start)}${drawPosition(video, extract)}  </svg>
</svg>
`
}

/** Draws a picture of the video at its own size. */
function drawPicture(video: Video, start: number): string {
  const { width, height } = sizeOf(video)
  const hue = Number.parseInt(video.uid.slice(0, 4), 16) % 360
  // Without half of a surrogate pair at the end.
  const title = (nameOf(video.meta) ?? video.uid).slice(0, 40).replace(/\p{Surrogate}$/u, '')
  const duration = video.media?.durationSeconds ?? null
  const info =
    duration === null
      ? 'no picture yet'
      : `${width} × ${height}, ${start.toFixed(1)} of ${duration.toFixed(1)} s`
  const text = Math.max(8, Math.round(Math.min(width, height) / 14))
  return `    <rect width="100%" height="100%" fill="hsl(${hue} 45% 25%)"/>
    <circle cx="50%" cy="42%" r="${text * 2}" fill="hsl(${hue} 60% 80%)"/>
    <path d="M ${width / 2 - text * 0.6} ${height * 0.42 - text} l ${text * 2} ${text} l ${-text * 2} ${text} z" fill="hsl(${hue} 45% 25%)"/>
    <g fill="#fff" font-family="sans-serif" text-anchor="middle">
      <text x="50%" y="72%" font-size="${text}">${escapeMarkup(title)}</text>
      <text x="50%" y="84%" font-size="${Math.round(text * 0.7)}">${info}</text>
    </g>
`
}

/** Draws a bar at the lower edge. Its width is the position in the video. */
function drawPosition(video: Video, { start, seconds }: Extract): string {
  const duration = durationOf(video)
  const share = (time: number) => (duration === 0 ? 0 : time / duration)
  const first = percentage(share(start))
  if (seconds === null) return `    <rect y="96%" width="${first}" height="4%" fill="#fff"/>\n`
  const moving = Math.min(seconds, duration - start)
  const last = percentage(share(start + moving))
  // At the end of the video, the last picture stays.
  const times = `0;${(moving / seconds).toFixed(4)};1`
  return `    <rect y="96%" width="${first}" height="4%" fill="#fff">
      <animate attributeName="width" values="${first};${last};${last}" keyTimes="${times}" dur="${seconds}s" repeatCount="indefinite"/>
    </rect>
`
}

function percentage(share: number): string {
  return `${(100 * share).toFixed(2)}%`
}

function sizeOf({ media }: Video): Size {
  return {
    // A file may declare a width or height of 0.
    width: Math.max(1, media?.width ?? UNKNOWN_SIZE.width),
    height: Math.max(1, media?.height ?? UNKNOWN_SIZE.height),
  }
}

function durationOf({ media }: Video): number {
  return media?.durationSeconds ?? 0
}

/** Returns the requested time, at most the end of the video. */
function startOf(video: Video, { time }: StillParams): number {
  const duration = durationOf(video)
  return Math.min(time ?? video.thumbnailTimestampPct * duration, duration)
}
