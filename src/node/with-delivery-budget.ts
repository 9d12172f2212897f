/**
 * Decorator of `UploadPubSub` that delivers changes a few milliseconds per tick, to one listener of each topic in
 * turn. Each delivery executes a subscription: thousands in one tick would delay all other work for seconds.
 */
import { topicKey } from '../pubsub/memory-pubsub.ts'
import type { ChangeListener, UploadPubSub } from '../uploads/ports/upload-pubsub.ts'
import type { Upload } from '../uploads/upload.ts'
import { type CoalescingQueue, createCoalescingQueue } from '../uploads/watch/coalescing-queue.ts'
import { createFairQueue } from './server/fair-queue.ts'

/** Maximum time and number of deliveries per tick. */
const TICK_MS = 4
const MAX_PER_TICK = 16

export interface DeliveryBudgetOptions {
  /** Monotonic clock in milliseconds, such as `performance.now()`. */
  readonly now: () => number
  /** Calls back after the I/O that is ready now, such as `setImmediate`. */
  readonly later: (run: () => void) => void
}

/** A listener with the changes that it has not received. */
interface Receiver {
  readonly topic: string
  readonly listener: ChangeListener
  readonly changes: CoalescingQueue<Upload>
  /** Called after the last change. Null while delivery goes on. */
  onLost: (() => void) | null
  isWaiting: boolean
  isStopped: boolean
}

/** Keeps the order of each listener, and coalesces changes that wait. Ends the delivery to a listener that too many changes wait for. */
export function withDeliveryBudget(
  pubsub: UploadPubSub,
  { now, later }: DeliveryBudgetOptions,
): UploadPubSub {
  const queue = createFairQueue<Receiver>()
  let isAwake = false
  /** Start of the first delivery of this tick; null if there is none. */
  let startedAt: number | null = null

  function wait(receiver: Receiver): void {
    if (receiver.isWaiting || receiver.isStopped) return
    receiver.isWaiting = true
    queue.enqueue(receiver.topic, receiver)
    if (!isAwake) startTick()
  }

  function deliverNext(): void {
    if (startedAt !== null && now() - startedAt >= TICK_MS) return
    const receiver = queue.dequeue()
    if (receiver === null) return
    startedAt ??= now()
    receiver.isWaiting = false
    if (receiver.isStopped) return
    const change = receiver.changes.take()
    if (change !== undefined) receiver.listener(change)
    if (!receiver.changes.isEmpty()) wait(receiver)
    else if (receiver.onLost !== null) end(receiver, receiver.onLost)
  }

  function end(receiver: Receiver, onLost: () => void): void {
    if (receiver.isStopped) return
    receiver.isStopped = true
    onLost()
  }

  function startTick(): void {
    isAwake = true
    startedAt = null
    // One callback per delivery: the execution, in microtasks, ends before the next delivery.
    for (let index = 0; index < MAX_PER_TICK; index += 1) later(deliverNext)
    later(endTick)
  }

  function endTick(): void {
    isAwake = false
    if (queue.length() > 0) startTick()
  }

  return {
    publish: (upload) => pubsub.publish(upload),
    subscribe(topic, listener, onLost = () => undefined) {
      const receiver: Receiver = {
        topic: topicKey(topic),
        listener,
        changes: createCoalescingQueue<Upload>(),
        onLost: null,
        isWaiting: false,
        isStopped: false,
      }
      const { ready, stop } = pubsub.subscribe(
        topic,
        (upload) => {
          if (receiver.changes.put(upload)) wait(receiver)
          else end(receiver, onLost)
        },
        () => {
          receiver.onLost = onLost
          wait(receiver)
        },
      )
      return {
        ready,
        stop() {
          receiver.isStopped = true
          receiver.changes.clear()
          stop()
        },
      }
    },
  }
}
