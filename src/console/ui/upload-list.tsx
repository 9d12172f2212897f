/** List of all uploads: local queue items and the gateway's uploads. */
import type { Client } from '@urql/core'
import { useRef, useState } from 'preact/hooks'
import type { Upload, UploadClient } from '../../client/client.ts'
import type { ConsoleQueue, FileSettings } from '../queue/upload-queue.ts'
import { type Filter, mergeRows } from '../rows/merge-rows.ts'
import type { Row } from '../rows/row.ts'
import { useStore } from '../store.ts'
import { EmptyList } from './empty-list.tsx'
import { EditUpload } from './edit-upload.tsx'
import { Player } from './player.tsx'
import { UploadRow } from './upload-row.tsx'
import { useAnnouncements } from './use-announcements.ts'
import { useDeleteUpload } from './use-delete-upload.ts'
import { useUndo } from './use-undo.ts'
import { useUploads } from './use-uploads.ts'

interface UploadListProps {
  readonly data: Client
  readonly client: UploadClient
  readonly queue: ConsoleQueue
  readonly settings: FileSettings
  /** Subject of the caller; null if auth is disabled. */
  readonly viewer: string | null
  readonly onAnnounce: (label: string) => void
}

const FILTERS: readonly (readonly [Filter, string])[] = [
  ['all', 'All'],
  ['active', 'Active'],
  ['ready', 'Ready'],
  ['failed', 'Failed'],
]

export function UploadList({ data, client, queue, settings, viewer, onAnnounce }: UploadListProps) {
  const [filter, setFilter] = useState<Filter>('all')
  const [playingKey, setPlayingKey] = useState<string | null>(null)
  const [editedKey, setEditedKey] = useState<string | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  // The address of a thumbnail stays the same, so that the browser would show the old picture.
  const [posters, setPosters] = useState<ReadonlyMap<string, number>>(new Map())
  const undo = useUndo()
  const heading = useRef<HTMLHeadingElement>(null)
  const queued = useStore(queue.uploads)
  const list = useUploads(client, data, filter)
  const deletion = useDeleteUpload(client, queue)
  const rows = mergeRows(queued, list.uploads, filter).filter(
    ({ uid }) => uid === null || !deletion.hiddenUids.has(uid),
  )
  useAnnouncements(rows, onAnnounce)
  const playingRow = rows.find(({ key }) => key === playingKey)
  const editedUpload = rows.find(({ key }) => key === editedKey)?.upload ?? null

  async function undoChange(name: string, upload: Upload): Promise<void> {
    const undoProblem = await undo.run(upload)
    setProblem(undoProblem)
    if (undoProblem === null) onAnnounce(`${name}: change undone`)
  }

  function undoOf({ name, upload }: Row): (() => void) | null {
    if (upload === null || !undo.isPossible(upload)) return null
    return () => void undoChange(name, upload)
  }

  return (
    <section class="uploads" aria-labelledby="uploads-title">
      <div class="uploads-top">
        <h2 id="uploads-title" ref={heading} tabIndex={-1}>
          Your uploads
        </h2>
        {list.isLost && (
          <p class="muted small">
            {list.isReconnecting ? 'Reconnecting to the gateway…' : 'Connecting for live updates…'}
          </p>
        )}
        <div class="filters" role="group" aria-label="Show">
          {FILTERS.map(([name, label]) => (
            <button
              key={name}
              type="button"
              aria-pressed={filter === name}
              onClick={() => setFilter(name)}
            >
              {label}
            </button>
          ))}
        </div>
      </div>
      {[deletion.problem, problem].map(
        (text) =>
          text !== null && (
            <p class="bad" role="alert">
              {text}
            </p>
          ),
      )}
      {rows.length === 0 ? (
        <EmptyList
          isLoading={list.isLoading}
          isBroken={list.isLost}
          isReconnecting={list.isReconnecting}
          filter={filter}
        />
      ) : (
        <ul class="rows">
          {rows.map((row) => (
            <UploadRow
              key={row.key}
              row={row}
              viewer={viewer}
              client={client}
              posterSeconds={posters.get(row.uid ?? '') ?? null}
              queue={queue}
              settings={settings}
              onPlay={() => setPlayingKey(row.key)}
              onEdit={() => setEditedKey(row.key)}
              onUndo={undoOf(row)}
              onRetry={() => void deletion.retry(row, settings)}
              onDelete={() => {
                heading.current?.focus()
                onAnnounce(`${row.name}: deleted`)
                void deletion.remove(row)
              }}
            />
          ))}
        </ul>
      )}
      {list.hasMore && (
        <button type="button" class="more" onClick={list.loadMore}>
          Show more
        </button>
      )}
      {playingRow !== undefined && (
        <Player row={playingRow} client={client} onClose={() => setPlayingKey(null)} />
      )}
      {editedUpload !== null && (
        <EditUpload
          key={editedUpload.uid}
          upload={editedUpload}
          client={client}
          onSaved={(saved, before, posterSeconds) => {
            setProblem(null)
            if (posterSeconds !== null)
              setPosters((all) => new Map([...all, [saved.uid, posterSeconds]]))
            undo.record(saved, before)
            onAnnounce(`${saved.name ?? 'Upload'}: changes saved`)
          }}
          onClose={() => setEditedKey(null)}
        />
      )}
    </section>
  )
}
