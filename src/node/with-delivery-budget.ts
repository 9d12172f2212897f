/**
 * Decorator of `UploadPubSub` that delivers changes a few milliseconds per tick, to one listener of each topic in
 * turn. Each delivery executes a subscription: thousands in one tick would delay all other work for seconds.
 */
import { topicKey } from '../pubsub/memory-pubsub.ts'
import type { ChangeListener, UploadPubSub } from '../uploads/ports/upload-pubsub.ts'
import type { Upload } from '../uploads/upload.ts'
import { type CoalescingQueue, createCoalescingQueue } from '../uploads/watch/coalescing-queue.ts'
import type { Scheduling } from './server/accept-priority.ts'
import { createTickQueue } from './server/tick-queue.ts'

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
export function withDeliveryBudget(pubsub: UploadPubSub, scheduling: Scheduling): UploadPubSub {
  const queue = createTickQueue(scheduling, deliverNext)

  function wait(receiver: Receiver): void {
    if (receiver.isWaiting || receiver.isStopped) return
    receiver.isWaiting = true
    queue.enqueue(receiver.topic, receiver)
  }

  function deliverNext(receiver: Receiver): void {
    receiver.isWaiting = false
    if (receiver.isStopped) return
    const change = receiver.changes.take()
    if (change !== undefined) receiver.listener(change)
    if (!receiver.changes.isEmpty()) wait(receiver)
    else if (receiver.onLost !== null) end(receiver, receiver.onLost)
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

function end(receiver: Receiver, onLost: () => void): void {
  if (receiver.isStopped) return
  receiver.isStopped = true
  onLost()
}
