/** One row: upload, progress and actions. */
import type { UploadClient } from '../../client/client.ts'
import type { ConsoleQueue, FileSettings } from '../queue/upload-queue.ts'
import type { Row, RowState } from '../rows/row.ts'
import { STATE_LABELS, progressLabel } from '../rows/row-labels.ts'
import { formatDuration, formatBytes } from '../format.ts'
import { Icon, type IconName } from './icon.tsx'
import { RowActions } from './row-actions.tsx'
import { Thumbnail } from './thumbnail.tsx'

interface UploadRowProps {
  readonly row: Row
  /** Subject of the caller; an administrator also sees uploads of other creators. */
  readonly viewer: string | null
  readonly queue: ConsoleQueue
  readonly settings: FileSettings
  readonly client: UploadClient
  /** Position of the poster that this page has chosen; null without one. */
  readonly posterSeconds: number | null
  readonly onPlay: () => void
  readonly onRetry: () => void
  readonly onDelete: () => void
  readonly onEdit: () => void
  /** Null if there is nothing to undo. */
  readonly onUndo: (() => void) | null
}

const ICONS: Readonly<Record<RowState, IconName>> = {
  waiting: 'clock',
  preparing: 'clock',
  uploading: 'upload',
  paused: 'pause',
  interrupted: 'alert',
  'other-device': 'clock',
  queued: 'clock',
  encoding: 'film',
  ready: 'done',
  failed: 'alert',
  expired: 'clock',
}

const TERMINAL_STATES: ReadonlySet<RowState> = new Set(['ready', 'failed', 'expired'])

export function UploadRow(props: UploadRowProps) {
  const { row, viewer, client, posterSeconds, onPlay } = props
  const { name, state, failure, reservedSeconds } = row
  const isTerminal = TERMINAL_STATES.has(state)
  return (
    <li class={`row is-${state}`}>
      <Thumbnail row={row} client={client} posterSeconds={posterSeconds} onPlay={onPlay} />
      <div class="row-text">
        <h3 class="row-name" title={name}>
          {name}
        </h3>
        <p class="row-state">
          <Icon name={ICONS[state]} />
          {STATE_LABELS[state]}
        </p>
        <p class="row-facts muted small">
          <Privacy row={row} />
          {detailsOf(row, viewer)}
        </p>
        {!isTerminal && (row.fraction !== null || row.item !== null) && (
          <progress
            class="row-bar"
            max={1}
            value={row.fraction ?? 0}
            aria-label={`Progress of ${name}`}
          />
        )}
        <p class="row-line small">
          <span>
            {progressLabel(row)}
            {failure !== null && failure.hint !== null && (
              <span class="muted"> {failure.hint}</span>
            )}
          </span>
          {!isTerminal && reservedSeconds !== null && (
            <span class="muted">{formatDuration(reservedSeconds)} reserved</span>
          )}
        </p>
      </div>
      <RowActions {...props} />
    </li>
  )
}

/** Whether the video is private or public, once its upload exists. */
function Privacy({ row: { upload } }: { readonly row: Row }) {
  if (upload === null) return null
  if (!upload.constraints.requireSignedURLs) return <>Public · </>
  return (
    <>
      <span class="private">
        <Icon name="lock" />
        Private
      </span>
      {' · '}
    </>
  )
}

/** @param viewer subject whose name is omitted; null if auth is disabled */
function detailsOf({ sizeBytes, protocol, reason, state, upload }: Row, viewer: string | null) {
  const protocolLabel = protocol === null ? null : protocol === 'TUS' ? 'tus' : 'POST'
  const creator = upload?.creator ?? null
  const isForeign = viewer !== null && creator !== null && creator !== viewer
  return [
    ...(sizeBytes === null ? [] : [formatBytes(sizeBytes)]),
    ...(protocolLabel === null
      ? []
      : [
          reason === null || TERMINAL_STATES.has(state)
            ? protocolLabel
            : `${protocolLabel}: ${reason}`,
        ]),
    ...(isForeign ? [`of ${creator}`] : []),
  ].join(' · ')
}
