/** Says what has changed its state, once for each change and not for each percent. */
import { useEffect, useRef } from 'preact/hooks'
import type { Row, RowState } from '../rows/row.ts'
import { announcementOf } from '../rows/row-labels.ts'

/** States that pass too quickly to be told. */
const BRIEF: ReadonlySet<RowState> = new Set(['waiting', 'preparing', 'queued'])

export function useAnnouncements(rows: readonly Row[], onSay: (words: string) => void): void {
  const said = useRef(new Map<string, RowState>())
  useEffect(() => {
    const news = rows.filter(({ key, state, journey }) => {
      const before = said.current.get(key)
      said.current.set(key, state)
      // What was there before the page was opened is read when one comes to it.
      return before !== state && !BRIEF.has(state) && (before !== undefined || journey !== null)
    })
    if (news.length > 0) onSay(news.map(announcementOf).join('. '))
  }, [rows, onSay])
}
