/** Asks once more before something is gone for good. */
import { useEffect, useRef } from 'preact/hooks'

interface ConfirmProps {
  readonly question: string
  readonly onYes: () => void
  readonly onNo: () => void
}

export function Confirm({ question, onYes, onNo }: ConfirmProps) {
  const no = useRef<HTMLButtonElement>(null)
  useEffect(() => no.current?.focus(), [])
  return (
    <div
      class="actions"
      role="group"
      aria-label={question}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onNo()
      }}
    >
      <p class="small confirm-question">Delete it for good?</p>
      <button type="button" class="danger" onClick={onYes}>
        Delete
      </button>
      <button type="button" class="strong" ref={no} onClick={onNo}>
        Keep
      </button>
    </div>
  )
}
