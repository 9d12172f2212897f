/** Empty state of the list. */
import type { Filter } from '../rows/merge-rows.ts'
import { Icon } from './icon.tsx'

interface EmptyListProps {
  readonly isLoading: boolean
  readonly isBroken: boolean
  readonly isReconnecting: boolean
  readonly filter: Filter
}

const MESSAGES: Readonly<Record<Filter, string>> = {
  all: 'No uploads yet. Drop a video above.',
  active: 'No active uploads.',
  ready: 'No ready videos yet.',
  failed: 'No failed uploads.',
}

export function EmptyList({ isLoading, isBroken, isReconnecting, filter }: EmptyListProps) {
  return (
    <div class="nothing">
      <Icon name={isBroken ? 'alert' : 'film'} />
      <p>
        {messageFor(isBroken, isReconnecting) ??
          (isLoading ? 'Loading your uploads…' : MESSAGES[filter])}
      </p>
    </div>
  )
}

function messageFor(isBroken: boolean, isReconnecting: boolean): string | null {
  if (!isBroken) return null
  return isReconnecting
    ? 'The list appears when the gateway responds.'
    : 'The gateway does not respond. The list updates when it does.'
}
