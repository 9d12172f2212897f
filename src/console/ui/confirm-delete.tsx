/** Confirmation of a permanent deletion. */
import { useEffect, useRef } from 'preact/hooks'

interface ConfirmProps {
  readonly label: string
  readonly onConfirm: () => void
  readonly onCancel: () => void
}

export function ConfirmDelete({ label, onConfirm, onCancel }: ConfirmProps) {
  const keepButton = useRef<HTMLButtonElement>(null)
  useEffect(() => keepButton.current?.focus(), [])
  return (
    <div
      class="actions"
      role="group"
      aria-label={label}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onCancel()
      }}
    >
      <p class="small confirm-question">Delete permanently?</p>
      <button type="button" class="danger" onClick={onConfirm}>
        Delete
      </button>
      <button type="button" class="strong" ref={keepButton} onClick={onCancel}>
        Keep
      </button>
    </div>
  )
}
