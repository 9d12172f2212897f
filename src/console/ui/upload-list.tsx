/** List of all uploads: local queue items and the gateway's uploads. */
import { useRef, useState } from 'preact/hooks'
import type { UploadClient } from '../../client/client.ts'
import type { GatewayClient } from '../data/graphql-client.ts'
import type { QueueItemSettings } from '../queue/queue-item.ts'
import type { UploadQueue } from '../queue/upload-queue.ts'
import { type Filter, mergeRows } from '../rows/merge-rows.ts'
import { useStore } from '../store.ts'
import { EmptyList } from './empty-list.tsx'
import { Player } from './player.tsx'
import { UploadRow } from './upload-row.tsx'
import { useAnnouncements } from './use-announcements.ts'
import { useDeleteUpload } from './use-delete-upload.ts'
import { useResumableUploads } from './use-resumable-uploads.ts'
import { useUploads } from './use-uploads.ts'

interface UploadListProps {
  readonly data: GatewayClient
  readonly client: UploadClient
  readonly queue: UploadQueue
  readonly settings: QueueItemSettings
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
  const heading = useRef<HTMLHeadingElement>(null)
  const items = useStore(queue.items)
  const list = useUploads(data, filter)
  const resumable = useResumableUploads(client, items)
  const deletion = useDeleteUpload(client, queue)
  const rows = mergeRows(items, list.uploads, resumable, queue.lastProgress, filter).filter(
    ({ uid }) => uid === null || !deletion.hiddenUids.has(uid),
  )
  useAnnouncements(rows, onAnnounce)
  const playingRow = rows.find(({ key }) => key === playingKey)

  return (
    <section class="uploads" aria-labelledby="uploads-title">
      <div class="uploads-top">
        <h2 id="uploads-title" ref={heading} tabIndex={-1}>
          Your uploads
        </h2>
        {!list.isLive && !list.isLoading && (
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
      {deletion.problem !== null && (
        <p class="bad" role="alert">
          {deletion.problem}
        </p>
      )}
      {rows.length === 0 ? (
        <EmptyList
          isLoading={list.isLoading}
          isBroken={list.isBroken}
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
              queue={queue}
              settings={settings}
              onPlay={() => setPlayingKey(row.key)}
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
      {playingRow !== undefined && <Player row={playingRow} onClose={() => setPlayingKey(null)} />}
    </section>
  )
}
