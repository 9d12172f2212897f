/** All uploads in one list: those of this page, and those that the gateway knows. */
import { useRef, useState } from 'preact/hooks'
import type { UploadClient } from '../../client/client.ts'
import type { GatewayData } from '../data/graphql-client.ts'
import type { JourneyTerms } from '../queue/queue-item.ts'
import type { Queue } from '../queue/upload-queue.ts'
import { type Filter, joinRows } from '../rows/merge-rows.ts'
import { useStore } from '../store.ts'
import { NothingHere } from './empty-list.tsx'
import { Player } from './player.tsx'
import { UploadRow } from './upload-row.tsx'
import { useAnnouncements } from './use-announcements.ts'
import { useDeletion } from './use-delete-upload.ts'
import { useRemembered } from './use-resumable-uploads.ts'
import { useUploads } from './use-uploads.ts'

interface UploadListProps {
  readonly data: GatewayData
  readonly client: UploadClient
  readonly queue: Queue
  readonly terms: JourneyTerms
  /** The caller's name; null where nobody has one. */
  readonly viewer: string | null
  readonly onSay: (words: string) => void
}

const FILTERS: readonly (readonly [Filter, string])[] = [
  ['all', 'All'],
  ['under-way', 'Under way'],
  ['ready', 'Ready'],
  ['failed', 'Failed'],
]

export function UploadList({ data, client, queue, terms, viewer, onSay }: UploadListProps) {
  const [filter, setFilter] = useState<Filter>('all')
  const [playing, setPlaying] = useState<string | null>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  const journeys = useStore(queue.journeys)
  const list = useUploads(data, filter)
  const remembered = useRemembered(client, journeys)
  const deletion = useDeletion(client, queue)
  const rows = joinRows(journeys, list.uploads, remembered, queue.lastSeen, filter).filter(
    ({ uid }) => uid === null || !deletion.leaving.has(uid),
  )
  useAnnouncements(rows, onSay)
  const played = rows.find(({ key }) => key === playing)

  return (
    <section class="uploads" aria-labelledby="uploads-title">
      <div class="uploads-top">
        <h2 id="uploads-title" ref={heading} tabIndex={-1}>
          Your uploads
        </h2>
        {!list.isLive && !list.isLoading && <p class="muted small">Connecting for live updates…</p>}
        <div class="filters" role="group" aria-label="Show">
          {FILTERS.map(([name, words]) => (
            <button
              key={name}
              type="button"
              aria-pressed={filter === name}
              onClick={() => setFilter(name)}
            >
              {words}
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
        <NothingHere isLoading={list.isLoading} isBroken={list.isBroken} filter={filter} />
      ) : (
        <ul class="rows">
          {rows.map((row) => (
            <UploadRow
              key={row.key}
              row={row}
              viewer={viewer}
              queue={queue}
              terms={terms}
              onPlay={() => setPlaying(row.key)}
              onRetry={() => void deletion.retry(row, terms)}
              onDelete={() => {
                heading.current?.focus()
                onSay(`${row.name}: deleted`)
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
      {played !== undefined && <Player row={played} onClose={() => setPlaying(null)} />}
    </section>
  )
}
