/** Load shedding: refuses what cannot be answered soon, so that whatever is taken on is answered soon. */

/** What the decision leans on; handed in, so that tests turn the event loop by hand. */
export interface SheddingParts {
  /** Milliseconds of a clock that is never set back, such as `performance.now()`. */
  readonly now: () => number
  /** Runs once all that is ready now has been read, such as `setImmediate`. */
  readonly later: (run: () => void) => void
  /** Requests that may wait for their answers at the same time. */
  readonly mostInFlight: number
}

/** For metrics. */
export interface Load {
  /** Requests refused since the start. */
  readonly refused: number
  /** Requests taken on and not answered yet. */
  readonly inFlight: number
  /** Length of the newest turn of the event loop, in milliseconds; 0 while it is quiet. */
  readonly delayMs: number
}

/** Asked once for each request, before anything of it is done. */
export interface Shedding {
  admit(): 'accepted' | 'refused'
  /**
   * Counts an accepted request as waiting for its answer. What it returns is called when the answer is
   * written, its connection is gone, or it became a stream that stands open; a second call does nothing.
   */
  begin(): () => void
  load(): Load
}

/** A turn up to this long is no overload, in milliseconds: nobody waits longer than for two. */
const LONG_MS = 50
/** A turn that has at least this much of the one before it is not catching up. */
const CATCHES_UP_BELOW = 0.9
/** No turn takes on more than this, so that a crowd that comes all at once waits no longer. */
const LONGEST_MS = 150
/**
 * What lies between two requests counts as this at most: a pause (garbage is collected, the machine has
 * other work) or one large answer is no queue.
 */
const LONGEST_STEP_MS = 10
/** So long after a refusal the next turn is an overload at once, when it is this long. */
const WARY_MS = 1000
const LONG_WHEN_WARY_MS = 10
/**
 * How long a turn takes on requests under overload: as long as the answers of earlier ones took in it,
 * within these bounds. Short turns also let new connections in: Node takes one a turn.
 */
const SLICE_MS = { least: 0.1, most: 5 } as const

/**
 * The event loop is the queue: what arrives during one turn is read in the next. Where requests
 * come faster than they can be answered, each turn is longer than the one before; after a pause
 * each is shorter, by as much as there is room. So only long turns that do not shrink are an
 * overload. Under it each turn takes on a slice and refuses the rest, which is cheap; the first turn
 * without a refusal ends it. While nothing comes, nothing runs.
 *
 * After CoDel, which judges a queue by how long it stands, not by how long it gets.
 * https://www.rfc-editor.org/rfc/rfc8289
 */
export function createShedding({ now, later, mostInFlight }: SheddingParts): Shedding {
  /** Null where no request came for a whole turn. */
  let turn: Turn | null = null
  /** The turn before. */
  let before: { readonly tookMs: number; readonly busyMs: number; readonly isStanding: boolean } =
    IDLE
  let overloaded = false
  let refusedAt = -Infinity
  let inFlight = 0
  let refused = 0

  function endTurn(): void {
    if (turn === null) return
    const at = now()
    if (turn.firstRequest === null) {
      turn = null
      before = IDLE
      overloaded = false
      return
    }
    step(turn, at)
    before = { tookMs: at - turn.start, busyMs: turn.busyMs, isStanding: isStanding(turn) }
    overloaded = turn.hasRefused
    turn = startTurn(at)
    later(endTurn)
  }

  function isStanding({ busyMs }: Turn): boolean {
    return busyMs > LONG_MS && busyMs >= before.busyMs * CATCHES_UP_BELOW
  }

  function isTooLate(): boolean {
    const at = now()
    if (turn === null) {
      turn = startTurn(at)
      later(endTurn)
    }
    step(turn, at)
    turn.firstRequest ??= at
    // The turn that makes it an overload need not be waited out.
    const isWary = at - refusedAt < WARY_MS
    overloaded ||=
      turn.busyMs > LONGEST_MS ||
      (isWary && turn.busyMs > LONG_WHEN_WARY_MS) ||
      (before.isStanding && isStanding(turn))
    if (!overloaded) return false
    const answersMs = turn.firstRequest - turn.start
    return at - turn.firstRequest >= Math.min(Math.max(answersMs, SLICE_MS.least), SLICE_MS.most)
  }

  return {
    admit() {
      if (isTooLate()) {
        refusedAt = now()
        if (turn !== null) turn.hasRefused = true
      } else if (inFlight < mostInFlight) {
        return 'accepted'
      }
      refused += 1
      return 'refused'
    },
    begin() {
      let isWaiting = true
      inFlight += 1
      return () => {
        if (isWaiting) inFlight -= 1
        isWaiting = false
      }
    },
    load: () => ({ refused, inFlight, delayMs: before.tookMs }),
  }
}

/** One turn of the event loop, from when the one before had read all that was ready. */
interface Turn {
  readonly start: number
  /** Null until one came. */
  firstRequest: number | null
  lastStep: number
  /** Its length so far, without what was pause. */
  busyMs: number
  hasRefused: boolean
}

const IDLE = { tookMs: 0, busyMs: 0, isStanding: false } as const

function startTurn(at: number): Turn {
  return { start: at, firstRequest: null, lastStep: at, busyMs: 0, hasRefused: false }
}

function step(turn: Turn, at: number): void {
  turn.busyMs += Math.min(at - turn.lastStep, LONGEST_STEP_MS)
  turn.lastStep = at
}
