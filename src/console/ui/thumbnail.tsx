/** Thumbnail of the video, if there is one; a click plays the video. */
import { useState } from 'preact/hooks'
import type { Row } from '../rows/row.ts'
import { Icon } from './icon.tsx'
import { isPlayable } from './player.tsx'

export function Thumbnail({ row, onPlay }: { readonly row: Row; readonly onPlay: () => void }) {
  const [isBroken, setBroken] = useState(false)
  const url = isPlayable(row) && !isBroken ? (row.upload?.video?.thumbnailURL ?? null) : null
  if (url === null) {
    return (
      <div class="thumbnail">
        <Icon name="film" />
      </div>
    )
  }
  return (
    // For pointers only: the Play button does the same.
    <div class="thumbnail can-play" onClick={onPlay}>
      <img src={url} alt="" loading="lazy" onError={() => setBroken(true)} />
    </div>
  )
}
