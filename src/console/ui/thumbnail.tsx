/** Thumbnail of the video, if there is one; a click plays the video. */
import { useState } from 'preact/hooks'
import type { UploadClient } from '../../client/client.ts'
import type { Row } from '../rows/row.ts'
import { Icon } from './icon.tsx'
import { usePlayback } from './use-playback.ts'

interface ThumbnailProps {
  readonly row: Row
  readonly client: UploadClient
  /** Position that this page has chosen, in seconds; null for the one that Stream shows. */
  readonly posterSeconds: number | null
  readonly onPlay: () => void
}

export function Thumbnail({ row, client, posterSeconds, onPlay }: ThumbnailProps) {
  const { state, upload } = row
  const isPrivate = upload?.constraints.requireSignedURLs === true
  const playback = usePlayback(client, isPrivate && state === 'ready' ? upload.uid : null)
  const video = state === 'ready' ? (upload?.video ?? null) : null
  const url = (isPrivate ? playback?.thumbnailURL : video?.thumbnailURL) ?? null
  const [brokenURL, setBrokenURL] = useState<string | null>(null)
  if (url === null || url === brokenURL) {
    return (
      <div class="thumbnail">
        <Icon name="film" />
      </div>
    )
  }
  return (
    // For pointers only: the Play button does the same.
    <div class="thumbnail can-play" onClick={onPlay}>
      <img
        src={thumbnailAt(url, posterSeconds)}
        alt=""
        loading="lazy"
        onError={() => setBrokenURL(url)}
      />
    </div>
  )
}

/** @param seconds null for the position that Stream shows */
export function thumbnailAt(thumbnailURL: string, seconds: number | null): string {
  if (seconds === null) return thumbnailURL
  const url = new URL(thumbnailURL)
  url.searchParams.set('time', `${seconds.toFixed(2)}s`)
  return url.href
}
