/** Empty state of the list. */
import type { Filter } from '../rows/merge-rows.ts'
import { Icon } from './icon.tsx'

interface EmptyListProps {
  readonly isLoading: boolean
  readonly isBroken: boolean
  readonly filter: Filter
}

const MESSAGES: Readonly<Record<Filter, string>> = {
  all: 'Nothing yet. Drop a video above, and watch it arrive here.',
  active: 'Nothing is under way.',
  ready: 'Nothing is ready yet.',
  failed: 'Nothing has failed.',
}

export function EmptyList({ isLoading, isBroken, filter }: EmptyListProps) {
  return (
    <div class="nothing">
      <Icon name={isBroken ? 'alert' : 'film'} />
      <p>
        {isBroken
          ? 'The gateway does not answer. The list comes back when it does.'
          : isLoading
            ? 'Reading your uploads…'
            : MESSAGES[filter]}
      </p>
    </div>
  )
}
