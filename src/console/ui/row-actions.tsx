/** Action buttons of a row, by its state. */
import { useRef, useState } from 'preact/hooks'
import type { ConsoleQueue, FileSettings } from '../queue/upload-queue.ts'
import type { Row } from '../rows/row.ts'
import { ReselectFile } from './reselect-file.tsx'
import { ConfirmDelete } from './confirm-delete.tsx'
import { CopyUid } from './copy-uid.tsx'
import { Icon } from './icon.tsx'

interface RowActionsProps {
  readonly row: Row
  readonly queue: ConsoleQueue
  readonly settings: FileSettings
  readonly onPlay: () => void
  readonly onRetry: () => void
  readonly onDelete: () => void
  readonly onEdit: () => void
  /** Null if there is nothing to undo. */
  readonly onUndo: (() => void) | null
}

export function RowActions(props: RowActionsProps) {
  const { row, queue, settings, onPlay, onRetry, onDelete, onEdit, onUndo } = props
  const [isConfirming, setConfirming] = useState(false)
  const deleteButton = useRef<HTMLButtonElement>(null)
  const editButton = useRef<HTMLButtonElement>(null)
  const { name, state, item, uid } = row
  const isActive = item !== null && state !== 'ready' && state !== 'failed'

  if (isConfirming) {
    return (
      <ConfirmDelete
        label={`Delete ${name} permanently?`}
        onConfirm={onDelete}
        onCancel={() => {
          setConfirming(false)
          // After the button is rendered again.
          setTimeout(() => deleteButton.current?.focus())
        }}
      />
    )
  }
  return (
    <div class="actions" role="group" aria-label={`Actions for ${name}`}>
      {state === 'ready' && uid !== null && (
        <button type="button" class="strong" onClick={onPlay} aria-label={`Play ${name}`}>
          <Icon name="play" />
          Play
        </button>
      )}
      {isActive && isPausable(row) && (
        <PauseOrResume
          name={name}
          isPaused={state === 'paused'}
          onClick={() => (state === 'paused' ? queue.resume(item.id) : queue.pause(item.id))}
        />
      )}
      {state === 'failed' && item !== null && (
        <button
          type="button"
          class="strong"
          onClick={onRetry}
          aria-label={`Try again with ${name}`}
        >
          <Icon name="again" />
          Try again
        </button>
      )}
      {state === 'interrupted' && (
        <ReselectFile row={row} onFile={(file) => queue.add([file], settings)} />
      )}
      {isEditable(row) && (
        <button
          ref={editButton}
          type="button"
          class="icon-only"
          onClick={onEdit}
          aria-label={`Edit ${name}`}
          title="Edit"
        >
          <Icon name="edit" />
        </button>
      )}
      {uid !== null && <CopyUid uid={uid} name={name} />}
      <button
        ref={deleteButton}
        type="button"
        class="icon-only"
        // Active uploads are cancelled without confirmation: there is no video yet.
        onClick={() => (isActive || uid === null ? onDelete() : setConfirming(true))}
        aria-label={isActive ? `Cancel ${name}` : `Delete ${name}`}
        title={isActive ? 'Cancel' : 'Delete'}
      >
        <Icon name={isActive ? 'cancel' : 'delete'} />
      </button>
      {onUndo !== null && (
        <button
          type="button"
          class="strong"
          aria-label={`Undo the change of ${name}`}
          onClick={() => {
            // This button disappears.
            editButton.current?.focus()
            onUndo()
          }}
        >
          <Icon name="undo" />
          Undo
        </button>
      )}
    </div>
  )
}

function isEditable({ upload, state }: Row): boolean {
  return upload !== null && state !== 'failed' && state !== 'expired'
}

function isPausable({ state }: Row): boolean {
  return state === 'waiting' || state === 'preparing' || state === 'uploading' || state === 'paused'
}

interface PauseOrResumeProps {
  readonly name: string
  readonly isPaused: boolean
  readonly onClick: () => void
}

/** A single button, so that the focus stays on it. */
function PauseOrResume({ name, isPaused, onClick }: PauseOrResumeProps) {
  const label = isPaused ? 'Resume' : 'Pause'
  return (
    <button type="button" class="strong" onClick={onClick} aria-label={`${label} ${name}`}>
      <Icon name={isPaused ? 'upload' : 'pause'} />
      {label}
    </button>
  )
}
