/** Confirmation of a permanent deletion. */
import { useEffect, useRef } from 'preact/hooks'

interface ConfirmProps {
  readonly question: string
  readonly onYes: () => void
  readonly onNo: () => void
}

export function ConfirmDelete({ question, onYes, onNo }: ConfirmProps) {
  const keepButton = useRef<HTMLButtonElement>(null)
  useEffect(() => keepButton.current?.focus(), [])
  return (
    <div
      class="actions"
      role="group"
      aria-label={question}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onNo()
      }}
    >
      <p class="small confirm-question">Delete permanently?</p>
      <button type="button" class="danger" onClick={onYes}>
        Delete
      </button>
      <button type="button" class="strong" ref={keepButton} onClick={onNo}>
        Keep
      </button>
    </div>
  )
}
