/** Events of a shared subscription, and a subscriber that queues and coalesces them while its sink is full. */
import type { Logger } from '../../../../shared/logger.ts'
import {
  type CoalescingQueue,
  createCoalescingQueue,
} from '../../../../uploads/watch/coalescing-queue.ts'
import type { SerializedResult } from '../fallback-executor.ts'

/** An event that is not executed yet, so that events which wait for slow subscribers need little memory. */
export interface SharedEvent {
  /** Uid of the upload; a slow subscriber gets only the newest event of each uid. */
  readonly uid: string
  /** Executes and serializes the event, again for each call. */
  serialize(): Promise<SerializedResult>
}

/** `complete`: the subscription is over. `interrupted`: the client must reconnect, perhaps with a new token. */
export type EndReason = 'complete' | 'interrupted'

/** Output to one subscriber, implemented by the host. */
export interface EventSink {
  /** If false, no event is sent until the sink calls the function that was passed to `wait`. */
  isWritable(): boolean
  send(event: SerializedResult): void
  /** Calls `resume` once when the sink is writable. It never rejects. */
  wait(resume: () => Promise<void>): void
  end(ending: EndReason): void
}

/** One subscriber of a shared subscription. */
export interface Subscriber {
  /** Whether it can send an event immediately. */
  isReady(): boolean
  /**
   * Sends the event, or queues it if the subscriber is not ready.
   * @param serialized the event's result, shared by all subscribers; null if none of them was ready
   */
  deliver(event: SharedEvent, serialized: SerializedResult | null): void
  end(ending: EndReason): void
  /** Whether any event had GraphQL errors. */
  hadErrors(): boolean
}

/** Creates a subscriber that sends events in order. Interrupts it if its queue is full. */
export function createSubscriber(log: Pick<Logger, 'error'>, sink: EventSink): Subscriber {
  /** Created when first needed: most subscribers are never slow. */
  let queue: CoalescingQueue<SharedEvent> | null = null
  /** Whether an event of the queue is being executed. */
  let isExecuting = false
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
    return isExecuting || queue?.isEmpty() === false
  }

  function isReady(): boolean {
    return !isWaiting() && sink.isWritable()
  }

  function send(serialized: SerializedResult): void {
    if (isOver) return
    hadErrors ||= serialized.hasErrors
    sink.send(serialized)
  }

  async function resume(): Promise<void> {
    const next = queue?.take()
    if (next === undefined) return
    isExecuting = true
    try {
      send(await next.serialize())
    } catch (error) {
      log.error({ err: error }, 'sending a subscription event failed')
      finish('interrupted')
    }
    isExecuting = false
    if (isWaiting()) sink.wait(resume)
    else if (ending !== null) finish(ending)
  }

  return {
    isReady,
    deliver(event, serialized) {
      if (isOver || ending !== null) return
      if (serialized !== null && isReady()) {
        send(serialized)
        return
      }
      const isFirst = !isWaiting()
      queue ??= createCoalescingQueue<SharedEvent>()
      if (!queue.put(event)) finish('interrupted')
      else if (isFirst) sink.wait(resume)
    },
    end(reason) {
      ending ??= reason
      if (!isWaiting()) finish(reason)
    },
    hadErrors: () => hadErrors,
  }
}
