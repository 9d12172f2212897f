/** Drop zone, file picker and upload settings. */
import { useRef } from 'preact/hooks'
import type { FileSettings } from '../queue/upload-queue.ts'
import { Icon } from './icon.tsx'
import { useFileDrop } from './use-file-drop.ts'

interface DropZoneProps {
  readonly settings: FileSettings
  readonly onSettings: (settings: FileSettings) => void
  /** Reason why the last selection was rejected; null otherwise. */
  readonly rejection: string | null
  readonly onFiles: (files: readonly File[]) => void
}

export function DropZone({ settings, onSettings, rejection, onFiles }: DropZoneProps) {
  const input = useRef<HTMLInputElement>(null)
  const isDragging = useFileDrop(onFiles)
  const minutes = settings.maxDurationSeconds === null ? '' : settings.maxDurationSeconds / 60
  return (
    <section class="card drop-card" aria-label="Upload">
      <button
        type="button"
        class={`drop-zone${isDragging ? ' is-over' : ''}`}
        aria-describedby="drop-note"
        onClick={() => input.current?.click()}
      >
        <Icon name="upload" />
        <span class="drop-title">{isDragging ? 'Drop to upload' : 'Drop videos here'}</span>
        <span class="drop-link">or choose files</span>
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
          // Without this, selecting the same file again fires no event.
          event.currentTarget.value = ''
        }}
      />
      <p class="muted small" id="drop-note">
        Files up to 200 MB use one POST. Larger files, up to 30 GB, use tus and can resume.
      </p>
      {rejection !== null && (
        <p class="bad small" role="alert">
          {rejection}
        </p>
      )}
      <div class="settings">
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
                const minutesInput = event.currentTarget.valueAsNumber
                const seconds = minutesInput > 0 ? Math.max(1, Math.round(minutesInput * 60)) : null
                onSettings({ ...settings, maxDurationSeconds: seconds })
              }}
            />
            <span aria-hidden="true">min</span>
          </span>
          <p class="muted small" id="longest-note">
            In minutes. This much storage is reserved until the video is ready.
          </p>
        </div>
        <div class="term checks">
          <label class="check">
            <input
              type="checkbox"
              checked={settings.isPrivate}
              onChange={(event) =>
                onSettings({ ...settings, isPrivate: event.currentTarget.checked })
              }
            />
            <span>
              Private
              <span class="muted small"> Plays only at signed addresses, which expire.</span>
            </span>
          </label>
          <label class="check">
            <input
              type="checkbox"
              checked={settings.reliableConnection === false}
              onChange={(event) =>
                onSettings({
                  ...settings,
                  reliableConnection: event.currentTarget.checked ? false : null,
                })
              }
            />
            <span>
              My connection may break
              <span class="muted small"> Small files then also use tus.</span>
            </span>
          </label>
        </div>
      </div>
    </section>
  )
}
