/** A list without rows, and why. */
import type { Filter } from '../rows/merge-rows.ts'
import { Icon } from './icon.tsx'

interface NothingHereProps {
  readonly isLoading: boolean
  readonly isBroken: boolean
  readonly filter: Filter
}

const NONE: Readonly<Record<Filter, string>> = {
  all: 'Nothing yet. Drop a video above, and watch it arrive here.',
  'under-way': 'Nothing is under way.',
  ready: 'Nothing is ready yet.',
  failed: 'Nothing has failed.',
}

export function NothingHere({ isLoading, isBroken, filter }: NothingHereProps) {
  return (
    <div class="nothing">
      <Icon name={isBroken ? 'alert' : 'film'} />
      <p>
        {isBroken
          ? 'The gateway does not answer. The list comes back when it does.'
          : isLoading
            ? 'Reading your uploads…'
            : NONE[filter]}
      </p>
    </div>
  )
}
