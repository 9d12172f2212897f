/**
 * Responses that are not complete yet. Thousands come and go each second: each costs no more than its
 * place in a list, where a Map of them would be set up anew every few dozen.
 */
import type { ServerResponse } from 'node:http'

/** One response, from when its request is taken until it is complete or its connection is gone. */
export interface UnderWay {
  readonly res: ServerResponse
  /** Whether it may yet begin to wait for us: not again, and not once it is a stream or over. */
  mayWait: boolean
  /** Says that it waits no longer; null where it has never waited. */
  endWaiting: (() => void) | null
  /** Where in the list it stands. */
  place: number
}

/** All that is under way. */
export interface Roll {
  enter(res: ServerResponse): UnderWay
  /** A second call does nothing. */
  leave(one: UnderWay): void
  /** In no order. */
  responses(): readonly ServerResponse[]
}

/** It waits for nothing of ours from now on. */
export function waitNoMore(one: UnderWay): void {
  one.mayWait = false
  one.endWaiting?.()
}

/** Of what is never refused, and so is not counted. */
export function notCounted(res: ServerResponse): UnderWay {
  return { res, mayWait: false, endWaiting: null, place: -1 }
}

export function createRoll(): Roll {
  const all: UnderWay[] = []
  return {
    enter(res) {
      const one = { res, mayWait: true, endWaiting: null, place: all.length }
      all.push(one)
      return one
    },
    leave(one) {
      if (all[one.place] !== one) return
      const last = all.pop()
      if (last === undefined || last === one) return
      // Whoever is last takes the place that is free now.
      all[one.place] = last
      last.place = one.place
    },
    responses: () => all.map(({ res }) => res),
  }
}
