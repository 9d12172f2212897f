/** One upload: what it is, how far it is, and what can be done with it. */
import type { JourneyTerms } from '../queue/queue-item.ts'
import type { Queue } from '../queue/upload-queue.ts'
import type { Row, RowState } from '../rows/row.ts'
import { STATE_WORDS, progressLine } from '../rows/row-labels.ts'
import { secondsInWords, sizeInWords } from '../format.ts'
import { Icon, type IconName } from './icon.tsx'
import { RowActions } from './row-actions.tsx'
import { Thumbnail } from './thumbnail.tsx'

interface UploadRowProps {
  readonly row: Row
  /** Who looks at it: an administrator sees the uploads of others, too. */
  readonly viewer: string | null
  readonly queue: Queue
  readonly terms: JourneyTerms
  readonly onPlay: () => void
  readonly onRetry: () => void
  readonly onDelete: () => void
}

const ICONS: Readonly<Record<RowState, IconName>> = {
  waiting: 'clock',
  preparing: 'clock',
  uploading: 'upload',
  paused: 'pause',
  interrupted: 'alert',
  elsewhere: 'clock',
  queued: 'clock',
  encoding: 'film',
  ready: 'done',
  failed: 'alert',
  expired: 'clock',
}

const OVER: ReadonlySet<RowState> = new Set(['ready', 'failed', 'expired'])

export function UploadRow(props: UploadRowProps) {
  const { row, viewer, onPlay } = props
  const { name, state, failure, reservedSeconds } = row
  const isOver = OVER.has(state)
  return (
    <li class={`row is-${state}`}>
      <Thumbnail row={row} onPlay={onPlay} />
      <div class="row-words">
        <h3 class="row-name" title={name}>
          {name}
        </h3>
        <p class="row-state">
          <Icon name={ICONS[state]} />
          {STATE_WORDS[state]}
        </p>
        <p class="row-facts muted small">{factsOf(row, viewer)}</p>
        {!isOver && (row.fraction !== null || row.journey !== null) && (
          <progress
            class="row-bar"
            max={1}
            value={row.fraction ?? 0}
            aria-label={`Progress of ${name}`}
          />
        )}
        <p class="row-line small">
          <span>
            {progressLine(row)}
            {failure !== null && failure.advice !== null && (
              <span class="muted"> {failure.advice}</span>
            )}
          </span>
          {!isOver && reservedSeconds !== null && (
            <span class="muted">{secondsInWords(reservedSeconds)} reserved</span>
          )}
        </p>
      </div>
      <RowActions {...props} />
    </li>
  )
}

/** @param viewer whose name says nothing new; null where nobody has one */
function factsOf({ sizeBytes, protocol, reason, state, upload }: Row, viewer: string | null) {
  const way = protocol === null ? null : protocol === 'TUS' ? 'tus' : 'POST'
  const creator = upload?.creator ?? null
  const isOthers = viewer !== null && creator !== null && creator !== viewer
  return [
    ...(sizeBytes === null ? [] : [sizeInWords(sizeBytes)]),
    ...(way === null ? [] : [reason === null || OVER.has(state) ? way : `${way}: ${reason}`]),
    ...(isOthers ? [`of ${creator}`] : []),
  ].join(' · ')
}
