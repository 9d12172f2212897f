/** Dialog that changes the name, the privacy, the poster and the URL's expiry of an upload. */
import { useClient } from '@urql/preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Upload, UploadClient } from '../../client/client.ts'
import {
  type EditableSettings,
  changesBetween,
  conflictMessage,
  mergeSettings,
  settingsOf,
} from '../edit/editable-settings.ts'
import { saveChanges } from '../edit/save-changes.ts'
import { ExpiryField } from './expiry-field.tsx'
import { Icon } from './icon.tsx'
import { PosterField } from './poster-field.tsx'

interface EditUploadProps {
  /** The newest known state. */
  readonly upload: Upload
  readonly client: UploadClient
  /**
   * @param before settings before the change
   * @param posterSeconds chosen position of the poster; null if it was not changed
   */
  readonly onSaved: (saved: Upload, before: EditableSettings, posterSeconds: number | null) => void
  readonly onClose: () => void
}

/** What the form shows as saved, and the version that has it. */
interface Base extends EditableSettings {
  readonly version: number
}

export function EditUpload({ upload, client, onSaved, onClose }: EditUploadProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  const gateway = useClient()
  const current = settingsOf(upload)
  const [base, setBase] = useState<Base>({ ...current, version: upload.version })
  const [edited, setEdited] = useState(current)
  const [position, setPosition] = useState<number | null>(null)
  const [minutes, setMinutes] = useState<number | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const [isSaving, setSaving] = useState(false)
  const { uid, status, video, expiresAt } = upload
  const durationSeconds = status === 'READY' ? (video?.durationSeconds ?? null) : null
  const hasURL = status === 'PENDING_UPLOAD' || status === 'UPLOADING'

  async function save(): Promise<void> {
    const changes = {
      ...changesBetween(base, edited),
      ...(position === null ? {} : { thumbnailTimestampPct: position }),
      ...(minutes === null || !hasURL ? {} : { expiry: inMinutes(minutes) }),
    }
    if (Object.keys(changes).length === 0) {
      dialog.current?.close()
      return
    }
    setSaving(true)
    setProblem(null)
    // Progress also changes the version, but nothing that the form shows.
    const isBase = Object.keys(changesBetween(base, current)).length === 0
    const expectedVersion = isBase ? Math.max(base.version, upload.version) : base.version
    const outcome = await saveChanges(gateway, { uid, expectedVersion, ...changes })
    setSaving(false)
    if (outcome.kind === 'saved') {
      onSaved(outcome.upload, base, position === null ? null : position * (durationSeconds ?? 0))
      dialog.current?.close()
    } else if (outcome.kind === 'conflict') {
      setProblem(conflictMessage(base, current))
      setEdited(mergeSettings(base, edited, current))
      setBase({ ...current, version: outcome.currentVersion })
    } else {
      setProblem(`Nothing was changed. ${outcome.message}`)
    }
  }

  return (
    <dialog ref={dialog} class="edit" aria-labelledby="edit-title" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!isSaving) void save()
        }}
      >
        <div class="dialog-top">
          <h2 id="edit-title">Edit upload</h2>
          <button
            type="button"
            class="icon-only"
            aria-label="Close without saving"
            onClick={() => dialog.current?.close()}
          >
            <Icon name="cancel" />
          </button>
        </div>
        <div class="fields">
          <div class="field">
            <label for="edit-name">Name</label>
            <input
              id="edit-name"
              // The dialog focuses it when it opens.
              autofocus
              maxLength={256}
              value={edited.name}
              onInput={(event) => setEdited({ ...edited, name: event.currentTarget.value })}
            />
          </div>
          <label class="check">
            <input
              type="checkbox"
              checked={edited.isPrivate}
              onChange={(event) => setEdited({ ...edited, isPrivate: event.currentTarget.checked })}
            />
            <span>
              Private
              <span class="muted small"> Plays only at signed addresses, which expire.</span>
            </span>
          </label>
          {hasURL && <ExpiryField expiresAt={expiresAt} minutes={minutes} onMinutes={setMinutes} />}
          {durationSeconds !== null && (
            <PosterField
              uid={uid}
              client={client}
              durationSeconds={durationSeconds}
              position={position}
              onPosition={setPosition}
            />
          )}
          {problem !== null && (
            <p class="bad small" role="alert">
              {problem}
            </p>
          )}
          <div class="actions">
            <button type="button" class="strong" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
            <button type="submit" class="primary" aria-disabled={isSaving}>
              Save
            </button>
          </div>
        </div>
      </form>
    </dialog>
  )
}

function inMinutes(minutes: number): string {
  return new Date(Date.now() + minutes * 60_000).toISOString()
}
