/** What the outcome of an attempt means for the row of its delivery. */
import type { DeliveryOutcome, DeliveryState } from '../uploads/ports/callback-store.ts'

export function stateAfter({ kind }: DeliveryOutcome): DeliveryState {
  return kind === 'delivered' || kind === 'dead' ? kind : 'waiting'
}

/** Returns when the delivery is due again; null for never. */
export function dueAfter(outcome: DeliveryOutcome): Date | null {
  if (outcome.kind === 'failed') return outcome.retryAt
  return outcome.kind === 'postponed' ? outcome.until : null
}

/** Whether the outcome is an attempt that counts. */
export function isAttempt({ kind }: DeliveryOutcome): boolean {
  return kind !== 'postponed'
}
