/**
 * Everybody who watches the same thing with the same words and the same rights: the subscription is
 * carried out once for all of them, and each event is written once.
 */
import { type ExecutionArgs, createSourceEventStream } from 'graphql'
import { isAsyncIterable } from 'graphql-yoga'
import type { Clock, Log } from '../../../../uploads/dependencies.ts'
import { maskError } from '../../plugins/error-masking.ts'
import type { Ending, Frame, Subscriber, Told } from './subscriber.ts'

/** What an audience is opened with. */
export interface Performance {
  readonly args: ExecutionArgs
  /** Whether whoever comes later is shown the newest event first, as the present state. */
  readonly presentFirst: boolean
  /** The result for one event. */
  readonly write: (event: unknown) => Told | Promise<Told>
  readonly clock: Pick<Clock, 'wait'>
  readonly log: Log
  readonly closing: AbortSignal
}

export interface Audience {
  /**
   * Joins once it is its turn: between two events, never in the middle of one. False where it is over:
   * everybody has left it, perhaps in this very moment.
   */
  join(subscriber: Subscriber): boolean
  leave(subscriber: Subscriber): void
}

/** So many are shown an event before others get their turn. */
const AT_ONCE = 2500

/** Null where there is nothing to watch: it is for the long way to say why. */
export async function openAudience(
  performance: Performance,
  onEnd: () => void,
): Promise<Audience | null> {
  const { args, presentFirst, write, clock, log, closing } = performance
  const opened: unknown = await createSourceEventStream(args)
  if (!isAsyncIterable<unknown>(opened)) return null
  const events = opened[Symbol.asyncIterator]()

  const members = new Set<Subscriber>()
  /** Those whose turn to join has not come yet. */
  let joining = 0
  let newest: { readonly event: unknown } | null = null
  let ended: Ending | null = null
  /** What happens to the audience happens one after the other. */
  let turn = Promise.resolve()

  function inTurn(work: () => Promise<void> | void): Promise<void> {
    turn = turn.then(work).catch((error: unknown) => {
      log.error({ err: error }, 'an event could not be shown')
      end('complete')
    })
    return turn
  }

  function end(ending: Ending): void {
    if (ended !== null) return
    ended = ending
    onEnd()
    for (const member of members) endFor(member, ending)
    members.clear()
    release().catch((error: unknown) => {
      log.error({ err: error }, 'a subscription could not be released')
    })
  }

  async function release(): Promise<void> {
    await events.return?.()
  }

  /** A line that breaks is one member's affair: the others miss nothing by it. */
  function showTo(member: Subscriber, frame: Frame): void {
    try {
      member.show(frame)
    } catch (error) {
      dismiss(member, error)
    }
  }

  /** It is told that something went wrong, as everywhere, if it can be told anything. */
  function dismiss(member: Subscriber, error: unknown): void {
    const masked = maskError(log, error, 'Unexpected error.')
    try {
      member.show({ uid: '', text: JSON.stringify({ errors: [masked] }), hasErrors: true })
    } catch {
      // As before, and that is in the log.
    }
    endFor(member, 'complete')
  }

  function endFor(member: Subscriber, ending: Ending): void {
    try {
      member.end(ending)
    } catch (error) {
      log.error({ err: error }, 'a subscriber could not be told of the end')
    }
  }

  async function show(event: unknown): Promise<void> {
    newest = { event }
    const frame = await frameOf(event)
    let shown = 0
    for (const member of members) {
      showTo(member, frame)
      shown += 1
      if (shown % AT_ONCE === 0) await clock.wait(0)
    }
  }

  async function frameOf(event: unknown): Promise<Frame> {
    return { uid: uidOf(event), ...(await write(event)) }
  }

  async function run(): Promise<void> {
    for (;;) {
      const next = await events.next()
      if (next.done === true) break
      await inTurn(() => show(next.value))
    }
    await inTurn(() => end(closing.aborted ? 'stopping' : 'complete'))
  }

  void run().catch((error: unknown) => {
    log.error({ err: error }, 'a subscription failed')
    end('complete')
  })

  return {
    join(subscriber) {
      if (ended !== null) return false
      joining += 1
      void inTurn(async () => {
        joining -= 1
        // A member before anything can fail, so that whatever ends the audience ends it for this one.
        if (ended === null) members.add(subscriber)
        if (presentFirst && newest !== null) showTo(subscriber, await frameOf(newest.event))
        if (ended !== null) endFor(subscriber, ended)
      })
      return true
    },
    leave(subscriber) {
      // Not before it has joined.
      void inTurn(() => {
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
