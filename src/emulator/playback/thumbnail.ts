/** Draws a placeholder thumbnail of a video; no frame is decoded. */
import { nameOf } from '../state/meta.ts'
import { escapeMarkup } from './player-page.ts'
import type { Video } from '../state/video.ts'

/** Returns an SVG in the video's aspect ratio, with name, size and duration; colored by uid. */
export function drawThumbnail(video: Video): string {
  const { media } = video
  const width = media?.width ?? 640
  const height = media?.height ?? 360
  const hue = Number.parseInt(video.uid.slice(0, 4), 16) % 360
  // Without half of a surrogate pair at the end.
  const title = (nameOf(video.meta) ?? video.uid).slice(0, 40).replace(/\p{Surrogate}$/u, '')
  const info =
    media?.durationSeconds === undefined || media.durationSeconds === null
      ? 'no picture yet'
      : `${width} × ${height}, ${media.durationSeconds.toFixed(1)} s`
  const text = Math.max(8, Math.round(Math.min(width, height) / 14))
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
  <rect width="100%" height="100%" fill="hsl(${hue} 45% 25%)"/>
  <circle cx="50%" cy="42%" r="${text * 2}" fill="hsl(${hue} 60% 80%)"/>
  <path d="M ${width / 2 - text * 0.6} ${height * 0.42 - text} l ${text * 2} ${text} l ${-text * 2} ${text} z" fill="hsl(${hue} 45% 25%)"/>
  <g fill="#fff" font-family="sans-serif" text-anchor="middle">
    <text x="50%" y="72%" font-size="${text}">${escapeMarkup(title)}</text>
    <text x="50%" y="84%" font-size="${Math.round(text * 0.7)}">${info}</text>
  </g>
</svg>
`
}
