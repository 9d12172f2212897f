/**
 * Executes one subscription for all subscribers with the same operation, variables, subject and scopes. Each
 * event is serialized once for those that can receive it, and later again for each that could not.
 */
import { type ExecutionArgs, createSourceEventStream } from 'graphql'
import { isAsyncIterable } from 'graphql-yoga'
import type { Logger } from '../../../../shared/logger.ts'
import type { Clock } from '../../../../shared/clock.ts'
import { maskError } from '../../plugins/error-masking.ts'
import type { EndReason, SharedEvent, Subscriber } from './subscriber.ts'
import type { SerializedResult } from '../fallback-executor.ts'

/** Execution, serializer and host dependencies of a shared subscription. */
export interface SharedSubscriptionOptions {
  readonly args: ExecutionArgs
  /** Whether later subscribers first receive the newest event, as the current state. */
  readonly startsWithCurrentState: boolean
  /** Executes and serializes one event. */
  readonly write: (event: unknown) => SerializedResult | Promise<SerializedResult>
  readonly clock: Pick<Clock, 'wait'>
  readonly log: Logger
  /** Whether the source ended although further events may follow. */
  readonly isInterrupted: () => boolean
}

export interface SharedSubscription {
  /**
   * Queues the subscriber to join between two events. False if the subscription is over, because all
   * subscribers have left or its source has ended.
   */
  join(subscriber: Subscriber): boolean
  leave(subscriber: Subscriber): void
}

/** Subscribers that receive an event in one tick; the delivery then yields to other work. */
const SUBSCRIBERS_PER_TICK = 2500

/** Starts the subscription. Null if it cannot be started; the fallback reports the error. */
export async function openSharedSubscription(
  options: SharedSubscriptionOptions,
  onEnd: () => void,
): Promise<SharedSubscription | null> {
  const { args, startsWithCurrentState, write, clock, log, isInterrupted } = options
  const opened: unknown = await createSourceEventStream(args)
  if (!isAsyncIterable<unknown>(opened)) return null
  const events = opened[Symbol.asyncIterator]()

  const members = new Set<Subscriber>()
  /** Number of subscribers that are queued to join. */
  let joining = 0
  let newest: SharedEvent | null = null
  let ended: EndReason | null = null
  /** Serializes joining, leaving and delivering. */
  let queue = Promise.resolve()

  function enqueue(work: () => Promise<void> | void): Promise<void> {
    queue = queue.then(work).catch((error: unknown) => {
      log.error({ err: error }, 'serializing a subscription event failed')
      end('interrupted')
    })
    return queue
  }

  function end(ending: EndReason): void {
    if (ended !== null) return
    ended = ending
    onEnd()
    for (const member of members) endSubscriber(member, ending)
    members.clear()
    release().catch((error: unknown) => {
      log.error({ err: error }, 'releasing a subscription failed')
    })
  }

  async function release(): Promise<void> {
    await events.return?.()
  }

  /** An error of one sink drops this subscriber only. */
  function deliverTo(
    member: Subscriber,
    event: SharedEvent,
    serialized: SerializedResult | null,
  ): void {
    try {
      member.deliver(event, serialized)
    } catch (error) {
      dropSubscriber(member, error)
    }
  }

  /** Sends a masked error, if possible, and ends the subscriber. */
  function dropSubscriber(member: Subscriber, error: unknown): void {
    const masked = maskError(log, error, 'Unexpected error.')
    const result = { text: JSON.stringify({ errors: [masked] }), hasErrors: true }
    try {
      member.deliver({ uid: '', serialize: () => Promise.resolve(result) }, result)
    } catch {
      // The first error is already logged.
    }
    endSubscriber(member, 'complete')
  }

  function endSubscriber(member: Subscriber, ending: EndReason): void {
    try {
      member.end(ending)
    } catch (error) {
      log.error({ err: error }, 'completing a subscription failed')
    }
  }

  function isAnyReady(): boolean {
    for (const member of members) if (member.isReady()) return true
    return false
  }

  async function deliverToAll(event: SharedEvent): Promise<void> {
    newest = event
    const serialized = isAnyReady() ? await event.serialize() : null
    let delivered = 0
    for (const member of members) {
      deliverTo(member, event, serialized)
      delivered += 1
      if (delivered % SUBSCRIBERS_PER_TICK === 0) await clock.wait(0)
    }
  }

  async function run(): Promise<void> {
    for (;;) {
      const next = await events.next()
      if (next.done === true) break
      const { value } = next
      await enqueue(() => deliverToAll({ uid: uidOf(value), serialize: async () => write(value) }))
    }
    await enqueue(() => end(isInterrupted() ? 'interrupted' : 'complete'))
  }

  void run().catch((error: unknown) => {
    log.error({ err: error }, 'subscription failed')
    end('interrupted')
  })

  return {
    join(subscriber) {
      if (ended !== null) return false
      joining += 1
      void enqueue(async () => {
        joining -= 1
        // Added before anything can fail, so that `end` reaches this subscriber as well.
        if (ended === null) members.add(subscriber)
        if (startsWithCurrentState && newest !== null)
          deliverTo(subscriber, newest, subscriber.isReady() ? await newest.serialize() : null)
        if (ended !== null) endSubscriber(subscriber, ended)
      })
      return true
    },
    leave(subscriber) {
      // Queued after its own join.
      void enqueue(() => {
        const isLast = members.delete(subscriber) && members.size === 0
        if (isLast && joining === 0) end('complete')
      })
    },
  }
}

function uidOf(event: unknown): string {
  const named = typeof event === 'object' && event !== null && 'uid' in event ? event.uid : ''
  return typeof named === 'string' ? named : ''
}
