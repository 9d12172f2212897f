/** Delivers callbacks to all targets, each at its own pace. */
import type { CallbackStore } from '../uploads/ports/callback-store.ts'
import { createResultRecorder } from './record-results.ts'
import {
  type DeliveryDependencies,
  type TargetDeliveries,
  createTargetDeliveries,
} from './target-deliveries.ts'
import { nameTargets } from './target-names.ts'

export interface DispatcherDependencies extends Omit<DeliveryDependencies, 'store' | 'record'> {
  readonly store: Pick<CallbackStore, 'claimDeliveries' | 'nextDelivery' | 'recordResults'>
  /** URLs, each once. */
  readonly targets: readonly string[]
}

export type CallbackDispatcher = TargetDeliveries

export function createCallbackDispatcher({
  targets,
  ...dependencies
}: DispatcherDependencies): CallbackDispatcher {
  const { store, clock } = dependencies
  const record = createResultRecorder(store, clock)
  const deliveries = [...nameTargets(targets)].map(([target, name]) =>
    createTargetDeliveries({ ...dependencies, record }, target, name),
  )
  return {
    async run() {
      await Promise.all(deliveries.map((each) => each.run()))
    },
    async deliverDue(limit) {
      await Promise.all(deliveries.map((each) => each.deliverDue(limit)))
    },
    wake() {
      for (const each of deliveries) each.wake()
    },
    async nextRunAt() {
      const dates = await Promise.all(deliveries.map((each) => each.nextRunAt()))
      return dates.reduce((first, date) => earlier(first, date), null)
    },
  }
}

function earlier(a: Date | null, b: Date | null): Date | null {
  if (a === null || b === null) return a ?? b
  return a < b ? a : b
}
