/** Responses that are not complete yet: what is waited for when the gateway closes. */
import type { ServerResponse } from 'node:http'
import { NOWHERE, type Placed } from '../http/roll.ts'

/** One response, from when its request is taken until it is complete or its connection is gone. */
export interface UnderWay extends Placed {
  readonly res: ServerResponse
  /** Whether it may yet begin to wait for us: not again, and not once it is a stream or over. */
  mayWait: boolean
  /** Says that it waits no longer; null where it has never waited. */
  endWaiting: (() => void) | null
}

export function underWay(res: ServerResponse): UnderWay {
  return { res, mayWait: true, endWaiting: null, place: NOWHERE }
}

/** Of what is never refused, and so is not counted. */
export function notCounted(res: ServerResponse): UnderWay {
  return { res, mayWait: false, endWaiting: null, place: NOWHERE }
}

/** It waits for nothing of ours from now on. */
export function waitNoMore(one: UnderWay): void {
  one.mayWait = false
  one.endWaiting?.()
}
