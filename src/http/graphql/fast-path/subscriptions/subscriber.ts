/** One event as all of its subscribers get it, and what takes it to one of them. */
import { type Backlog, createBacklog } from '../../../../uploads/watch/coalescing-queue.ts'

/** What there is to tell of an event. */
export interface Told {
  /** The result as JSON. */
  readonly text: string
  /** Whether the result has errors of GraphQL. */
  readonly hasErrors: boolean
}

/** Written once, however many read it. */
export interface Frame extends Told {
  /** Of the upload that it tells of: a slow reader gets the newest of each. */
  readonly uid: string
}

/** Why no more events come: the subscription is over, or the gateway stops and another one goes on. */
export type Ending = 'complete' | 'stopping'

/** The line to one subscriber, as its host carries it. */
export interface Outlet {
  /** Where it is false, nothing is to be sent until `Subscriber.goOn` is called. */
  hasRoom(): boolean
  send(frame: Frame): void
  end(ending: Ending): void
}

/** One who subscribes. */
export interface Subscriber {
  show(frame: Frame): void
  end(ending: Ending): void
  /** There is room on the line again. */
  goOn(): void
  /** Whether anything that it was to be shown had errors of GraphQL. */
  hasFailed(): boolean
}

/** Shows everything in order; whoever reads slower than that gets the newest state instead. */
export function createSubscriber(outlet: Outlet): Subscriber {
  /** Made for whoever is slow once: most never are. */
  let backlog: Backlog<Frame> | null = null
  let ending: Ending | null = null
  let isOver = false
  let hasFailed = false

  function over(how: Ending): void {
    if (isOver) return
    isOver = true
    backlog = null
    outlet.end(how)
  }

  function isWaiting(): boolean {
    return backlog?.isEmpty() === false
  }

  return {
    show(frame) {
      if (isOver || ending !== null) return
      hasFailed ||= frame.hasErrors
      if (!isWaiting() && outlet.hasRoom()) {
        outlet.send(frame)
        return
      }
      backlog ??= createBacklog<Frame>()
      if (!backlog.put(frame)) over('complete')
    },
    end(how) {
      ending ??= how
      if (!isWaiting()) over(how)
    },
    goOn() {
      while (outlet.hasRoom()) {
        const next = backlog?.take()
        if (next === undefined) break
        outlet.send(next)
      }
      if (ending !== null && !isWaiting()) over(ending)
    },
    hasFailed: () => hasFailed,
  }
}
