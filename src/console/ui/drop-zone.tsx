/** Where videos are dropped or chosen, and what is to hold for them. */
import { useRef } from 'preact/hooks'
import type { JourneyTerms } from '../queue/queue-item.ts'
import { Icon } from './icon.tsx'
import { useDrop } from './use-file-drop.ts'

interface DropZoneProps {
  readonly terms: JourneyTerms
  readonly onTerms: (terms: JourneyTerms) => void
  /** Why the last choice was refused; null where it was not. */
  readonly refusal: string | null
  readonly onFiles: (files: readonly File[]) => void
}

export function DropZone({ terms, onTerms, refusal, onFiles }: DropZoneProps) {
  const input = useRef<HTMLInputElement>(null)
  const isOver = useDrop(onFiles)
  const minutes = terms.maxDurationSeconds === null ? '' : terms.maxDurationSeconds / 60
  return (
    <section class="card drop-card" aria-label="Upload">
      <button
        type="button"
        class={`drop-zone${isOver ? ' is-over' : ''}`}
        aria-describedby="drop-note"
        onClick={() => input.current?.click()}
      >
        <Icon name="upload" />
        <span class="drop-title">{isOver ? 'Let go to upload' : 'Drop videos here'}</span>
        <span class="drop-link">or choose them</span>
      </button>
      <input
        ref={input}
        class="file-input"
        hidden
        type="file"
        multiple
        accept="video/*,.mkv"
        aria-label="Videos"
        onChange={(event) => {
          onFiles([...(event.currentTarget.files ?? [])])
          // The same file may be chosen again.
          event.currentTarget.value = ''
        }}
      />
      <p class="muted small" id="drop-note">
        Up to 200 MB goes in one POST. Larger files, up to 30 GB, go by tus, which resumes.
      </p>
      {refusal !== null && (
        <p class="bad small" role="alert">
          {refusal}
        </p>
      )}
      <div class="terms">
        <div class="term">
          <label for="longest">Longest video</label>
          <span class="with-unit">
            <input
              id="longest"
              type="number"
              inputmode="decimal"
              min="0.01"
              max="600"
              step="any"
              placeholder="from the file"
              value={minutes}
              aria-describedby="longest-note"
              onInput={(event) => {
                const given = event.currentTarget.valueAsNumber
                const seconds = given > 0 ? Math.max(1, Math.round(given * 60)) : null
                onTerms({ ...terms, maxDurationSeconds: seconds })
              }}
            />
            <span aria-hidden="true">min</span>
          </span>
          <p class="muted small" id="longest-note">
            In minutes. So much storage is held back until the video is ready.
          </p>
        </div>
        <label class="term check">
          <input
            type="checkbox"
            checked={terms.reliableConnection === false}
            onChange={(event) =>
              onTerms({ ...terms, reliableConnection: event.currentTarget.checked ? false : null })
            }
          />
          <span>
            My connection may break
            <span class="muted small"> Then small files go by tus, too.</span>
          </span>
        </label>
      </div>
    </section>
  )
}
