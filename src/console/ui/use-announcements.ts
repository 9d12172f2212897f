/** Hook: announces each change of a row's state once, but not its progress. */
import { useEffect, useRef } from 'preact/hooks'
import type { Row, RowState } from '../rows/row.ts'
import { announcementFor } from '../rows/row-labels.ts'

/** States that are too short to announce. */
const SHORT_STATES: ReadonlySet<RowState> = new Set(['waiting', 'preparing', 'queued'])

export function useAnnouncements(rows: readonly Row[], onAnnounce: (text: string) => void): void {
  const announced = useRef(new Map<string, RowState>())
  useEffect(() => {
    const changed = rows.filter(({ key, state, item }) => {
      const previous = announced.current.get(key)
      announced.current.set(key, state)
      // Rows that existed when the page was opened are not announced.
      return (
        previous !== state && !SHORT_STATES.has(state) && (previous !== undefined || item !== null)
      )
    })
    if (changed.length > 0) onAnnounce(changed.map(announcementFor).join('. '))
  }, [rows, onAnnounce])
}
