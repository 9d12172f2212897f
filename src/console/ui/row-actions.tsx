/** What can be done with one upload, by its state. */
import { useRef, useState } from 'preact/hooks'
import type { JourneyTerms } from '../queue/queue-item.ts'
import type { Queue } from '../queue/upload-queue.ts'
import type { Row } from '../rows/row.ts'
import { ChooseAgain } from './reselect-file.tsx'
import { Confirm } from './confirm-delete.tsx'
import { CopyUid } from './copy-uid.tsx'
import { Icon } from './icon.tsx'
import { isPlayable } from './player.tsx'

interface RowActionsProps {
  readonly row: Row
  readonly queue: Queue
  readonly terms: JourneyTerms
  readonly onPlay: () => void
  readonly onRetry: () => void
  readonly onDelete: () => void
}

export function RowActions({ row, queue, terms, onPlay, onRetry, onDelete }: RowActionsProps) {
  const [isAsking, setAsking] = useState(false)
  const remove = useRef<HTMLButtonElement>(null)
  const { name, state, journey, uid } = row
  const isUnderWay = journey !== null && state !== 'ready' && state !== 'failed'

  if (isAsking) {
    return (
      <Confirm
        question={`Delete ${name} for good?`}
        onYes={onDelete}
        onNo={() => {
          setAsking(false)
          // When the button is there again.
          setTimeout(() => remove.current?.focus())
        }}
      />
    )
  }
  return (
    <div class="actions" role="group" aria-label={`What to do with ${name}`}>
      {isPlayable(row) && (
        <button type="button" class="strong" onClick={onPlay} aria-label={`Play ${name}`}>
          <Icon name="play" />
          Play
        </button>
      )}
      {isUnderWay && isPausable(row) && (
        <PauseOrResume
          name={name}
          isPaused={state === 'paused'}
          onClick={() => (state === 'paused' ? queue.resume(journey) : queue.pause(journey))}
        />
      )}
      {state === 'failed' && journey !== null && (
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
        <ChooseAgain row={row} onFile={(file) => queue.add([file], terms)} />
      )}
      {uid !== null && <CopyUid uid={uid} name={name} />}
      <button
        ref={remove}
        type="button"
        class="icon-only"
        // What is under way is given up at once: nothing of it can be watched yet.
        onClick={() => (isUnderWay || uid === null ? onDelete() : setAsking(true))}
        aria-label={isUnderWay ? `Cancel ${name}` : `Delete ${name}`}
        title={isUnderWay ? 'Cancel' : 'Delete'}
      >
        <Icon name={isUnderWay ? 'cancel' : 'delete'} />
      </button>
    </div>
  )
}

function isPausable({ state }: Row): boolean {
  return state === 'waiting' || state === 'preparing' || state === 'uploading' || state === 'paused'
}

interface PauseOrResumeProps {
  readonly name: string
  readonly isPaused: boolean
  readonly onClick: () => void
}

/** One button, so that the focus stays on it. */
function PauseOrResume({ name, isPaused, onClick }: PauseOrResumeProps) {
  const word = isPaused ? 'Resume' : 'Pause'
  return (
    <button type="button" class="strong" onClick={onClick} aria-label={`${word} ${name}`}>
      <Icon name={isPaused ? 'upload' : 'pause'} />
      {word}
    </button>
  )
}
