/** Converts the outbox between domain objects and SQLite values. */
import { callbackTypes } from '../../uploads/callbacks/callback-type.ts'
import {
  type CallbackEvent,
  type CallbackWrite,
  type DeliveryResult,
  type DueDelivery,
  type ListedDelivery,
  type TargetCounts,
  DEAD_KEPT_MS,
  DELIVERED_KEPT_MS,
  MAX_WAIT_MS,
  deliveryStates,
} from '../../uploads/ports/callback-store.ts'
import { dueAfter, isAttempt, stateAfter } from '../delivery-outcome.ts'
import {
  date,
  dateOrNull,
  enumReader,
  number,
  numberOrNull,
  text,
  textOrNull,
  unpackRow,
} from './column-values.ts'

const typeOf = enumReader(callbackTypes)
const stateOf = enumReader(deliveryStates)

/** Parameters of the statements that record an event and its deliveries. */
export function callbackValues({ event, targets }: CallbackWrite) {
  return { ...event, at: event.at.getTime(), targets: JSON.stringify(targets) }
}

/** Parameter of `recordResults`. */
export function resultsParam(results: readonly DeliveryResult[], now: Date): string {
  return JSON.stringify(
    results.map(({ delivery, outcome, status, error }) => {
      const { event, target, leaseUntil } = delivery
      const state = stateAfter(outcome)
      return [
        event.uploadId,
        target,
        event.version,
        leaseUntil.getTime(),
        state,
        dueAfter(outcome)?.getTime() ?? null,
        state === 'waiting' ? null : now.getTime(),
        Number(isAttempt(outcome)),
        status,
        error,
      ]
    }),
  )
}

/** Uploads and targets whose next delivery may be due after these results. */
export function keysParam(results: readonly DeliveryResult[]): string {
  const done = results.filter(({ outcome }) => stateAfter(outcome) !== 'waiting')
  return JSON.stringify(done.map(({ delivery }) => [delivery.event.uploadId, delivery.target]))
}

/** Times before which deliveries are old. */
export function oldDeliveryValues(now: Date) {
  const at = now.getTime()
  return {
    waitingBefore: at - MAX_WAIT_MS,
    deliveredBefore: at - DELIVERED_KEPT_MS,
    deadBefore: at - DEAD_KEPT_MS,
  }
}

export function readDueDelivery(row: unknown, leaseUntil: Date): DueDelivery {
  const [id, type, uploadId, version, at, body, target, attempts] = unpackRow(row)
  return {
    // A spread of `eventIn` would cost more than reading the values.
    event: {
      id: text(id),
      type: typeOf(type),
      uploadId: text(uploadId),
      version: number(version),
      at: date(at),
      body: text(body),
    },
    target: text(target),
    attempts: number(attempts),
    leaseUntil,
  }
}

export function readListedDelivery(row: unknown): ListedDelivery {
  const values = unpackRow(row)
  const [target, state, attempts, dueAt, doneAt, lastStatus, lastError] = values.slice(5)
  return {
    event: eventIn(values),
    target: text(target),
    state: stateOf(state),
    attempts: number(attempts),
    dueAt: dateOrNull(dueAt),
    doneAt: dateOrNull(doneAt),
    lastStatus: numberOrNull(lastStatus),
    lastError: textOrNull(lastError),
  }
}

export function readTargetCounts(row: unknown): readonly [target: string, TargetCounts] {
  const [target, waiting, dead, oldestWaiting] = unpackRow(row)
  return [
    text(target),
    {
      waiting: number(waiting),
      dead: number(dead),
      oldestWaiting: dateOrNull(oldestWaiting),
    },
  ]
}

function eventIn(values: readonly unknown[]): Omit<CallbackEvent, 'body'> {
  const [id, type, uploadId, version, at] = values
  return {
    id: text(id),
    type: typeOf(type),
    uploadId: text(uploadId),
    version: number(version),
    at: date(at),
  }
}
