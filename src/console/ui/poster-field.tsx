/** Form field: the position of the video's poster, with a preview. */
import { useState } from 'preact/hooks'
import type { UploadClient } from '../../client/client.ts'
import { formatDuration } from '../format.ts'
import { thumbnailAt } from './thumbnail.tsx'
import { usePlayback } from './use-playback.ts'

interface PosterFieldProps {
  readonly uid: string
  readonly client: UploadClient
  readonly durationSeconds: number
  /** From 0 (start) to 1 (end); null for the present poster. */
  readonly position: number | null
  readonly onPosition: (position: number) => void
}

export function PosterField({
  uid,
  client,
  durationSeconds,
  position,
  onPosition,
}: PosterFieldProps) {
  const playback = usePlayback(client, uid)
  // The position at the end of a drag: each preview is a request.
  const [shownSeconds, setShownSeconds] = useState<number | null>(null)
  const seconds = (position ?? 0) * durationSeconds
  return (
    <div class="field poster-field">
      <label for="edit-poster">Poster</label>
      <div class="thumbnail">
        {playback && (
          <img
            src={thumbnailAt(playback.thumbnailURL, shownSeconds)}
            alt={position === null ? 'Present poster' : `Poster at ${formatDuration(seconds)}`}
          />
        )}
      </div>
      <input
        id="edit-poster"
        type="range"
        min="0"
        max="1"
        step="0.01"
        value={position ?? 0}
        aria-valuetext={position === null ? 'unchanged' : formatDuration(seconds)}
        aria-describedby="poster-note"
        onInput={(event) => onPosition(event.currentTarget.valueAsNumber)}
        onChange={(event) => setShownSeconds(event.currentTarget.valueAsNumber * durationSeconds)}
      />
      <p class="muted small" id="poster-note">
        {position === null
          ? 'Move the slider to choose another picture.'
          : `The picture at ${formatDuration(seconds)} of ${formatDuration(durationSeconds)}.`}
      </p>
    </div>
  )
}
