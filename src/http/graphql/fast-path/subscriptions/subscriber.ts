/** Serialized events, and a subscriber that queues and coalesces them while its sink is full. */
import {
  type CoalescingQueue,
  createCoalescingQueue,
} from '../../../../uploads/watch/coalescing-queue.ts'
import type { SerializedResult } from '../fallback-executor.ts'

/** An event, serialized once for all subscribers. */
export interface SerializedEvent extends SerializedResult {
  /** Uid of the upload; a slow subscriber gets only the newest event of each uid. */
  readonly uid: string
}

/** `complete`: the subscription is over. `interrupted`: the client must reconnect, perhaps with a new token. */
export type EndReason = 'complete' | 'interrupted'

/** Output to one subscriber, implemented by the host. */
export interface EventSink {
  /** If false, no event is sent until the host calls `Subscriber.resume`. */
  isWritable(): boolean
  send(event: SerializedEvent): void
  end(ending: EndReason): void
}

/** One subscriber of a shared subscription. */
export interface Subscriber {
  deliver(event: SerializedEvent): void
  end(ending: EndReason): void
  /** Called by the host when the sink is writable again. */
  resume(): void
  /** Whether any event had GraphQL errors. */
  hadErrors(): boolean
}

/** Creates a subscriber that sends events in order. Interrupts it if its queue is full. */
export function createSubscriber(sink: EventSink): Subscriber {
  /** Created when first needed: most subscribers are never slow. */
  let queue: CoalescingQueue<SerializedEvent> | null = null
  let ending: EndReason | null = null
  let isOver = false
  let hadErrors = false

  function finish(reason: EndReason): void {
    if (isOver) return
    isOver = true
    queue = null
    sink.end(reason)
  }

  function isWaiting(): boolean {
    return queue?.isEmpty() === false
  }

  return {
    deliver(event) {
      if (isOver || ending !== null) return
      hadErrors ||= event.hasErrors
      if (!isWaiting() && sink.isWritable()) {
        sink.send(event)
        return
      }
      queue ??= createCoalescingQueue<SerializedEvent>()
      if (!queue.put(event)) finish('interrupted')
    },
    end(reason) {
      ending ??= reason
      if (!isWaiting()) finish(reason)
    },
    resume() {
      while (sink.isWritable()) {
        const next = queue?.take()
        if (next === undefined) break
        sink.send(next)
      }
      if (ending !== null && !isWaiting()) finish(ending)
    },
    hadErrors: () => hadErrors,
  }
}
