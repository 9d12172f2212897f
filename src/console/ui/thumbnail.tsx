/** A still of the video where there is one; it plays when it is clicked. */
import { useState } from 'preact/hooks'
import type { Row } from '../rows/row.ts'
import { Icon } from './icon.tsx'
import { isPlayable } from './player.tsx'

export function Thumbnail({ row, onPlay }: { readonly row: Row; readonly onPlay: () => void }) {
  const [isBroken, setBroken] = useState(false)
  const address = isPlayable(row) && !isBroken ? (row.upload?.video?.thumbnailURL ?? null) : null
  if (address === null) {
    return (
      <div class="thumbnail">
        <Icon name="film" />
      </div>
    )
  }
  return (
    // The button named Play does the same: this one is for pointers.
    <div class="thumbnail can-play" onClick={onPlay}>
      <img src={address} alt="" loading="lazy" onError={() => setBroken(true)} />
    </div>
  )
}
