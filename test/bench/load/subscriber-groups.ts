/** Crowds of subscribers: gathers them, times how a change reaches them, lets them go. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Target, openConnection } from './connection.ts'
import { type Listener, listenBySse, listenByWs } from './subscription-clients.ts'
import type { Change, Dispersed, Subscribe } from './work.ts'

/** So many subscribe at the same moment. */
const AT_ONCE = 50
/** Whoever has heard nothing by then will not. */
const BACKOFF_MS = 60_000
/** The same for those who came last, when the crowd goes. */
const LAST_COME_MS = 5000

interface Group {
  readonly target: Target
  readonly listeners: Set<Listener>
  /** Opens one more, and waits until it has heard how things stand. */
  readonly addOne: (token: string) => Promise<void>
  readonly tokens: readonly string[]
  /** Those who have begun to subscribe and have heard nothing yet. */
  readonly expecting: Set<Listener>
  /** Changes so far. */
  changes: number
  /** Called for the first event of a change that each hears, with what it says. */
  onEvent: (words: Buffer) => void
  /** How many the server has let go without being asked to, and why the first. */
  lost: number
  firstLost: string | null
}

const groups = new Map<string, Group>()

export async function gather(work: Subscribe): Promise<{ count: number }> {
  const { target, uid, tokens } = work
  const listenBy = work.transport === 'sse' ? listenBySse : listenByWs
  const group: Group = {
    target,
    tokens,
    listeners: new Set(),
    expecting: new Set(),
    changes: 0,
    onEvent: () => {},
    lost: 0,
    firstLost: null,
    addOne: (token) =>
      new Promise((resolve, reject) => {
        let isFirst = true
        let heardOf = 0
        const listener = listenBy({
          target,
          token,
          uid,
          onEvent(words) {
            if (isFirst) {
              isFirst = false
              heardOf = group.changes
              group.expecting.delete(listener)
              group.listeners.add(listener)
              resolve()
            } else if (heardOf !== group.changes) {
              heardOf = group.changes
              group.onEvent(words)
            }
          },
          onLost(reason) {
            group.lost += 1
            group.firstLost ??= reason
            group.expecting.delete(listener)
            group.listeners.delete(listener)
            reject(new Error(`a subscriber was lost: ${reason}`))
          },
        })
        group.expecting.add(listener)
      }),
  }
  groups.set(work.crowd, group)
  for (let begun = 0; begun < tokens.length; begun += AT_ONCE) {
    const some = tokens.slice(begun, begun + AT_ONCE).map(group.addOne)
    await within(Promise.all(some), () => `only ${group.listeners.size} could subscribe`)
  }
  return { count: group.listeners.size }
}

/** Milliseconds from sending the change until the first and the last of the crowd had it. */
export async function makeChange({
  crowd: name,
  shot,
  told,
  through,
}: Omit<Change, 'kind'>): Promise<{ first: number; last: number; answered: number }> {
  const group = groupOf(name)
  if (group.firstLost !== null) throw new Error(lossOf(group))
  const listeners = group.listeners.size
  let first = 0
  let heard = 0
  let wrong: string | null = null
  let begun = 0
  group.changes += 1
  const everybody = new Promise<void>((resolve) => {
    group.onEvent = (words) => {
      heard += 1
      if (!words.includes(told)) wrong ??= words.toString()
      if (heard === 1) first = performance.now() - begun
      if (heard === listeners) resolve()
    }
  })
  let failure: string | null = null
  const answered = new Promise<number>((resolve) => {
    const asker = openConnection(
      through ?? group.target,
      ({ status }) => {
        resolve(performance.now() - begun)
        if (status !== 200) failure = `the change was answered ${status}`
        asker.close()
      },
      (reason) => {
        failure = reason
      },
    )
    begun = performance.now()
    asker.send(shot)
  })
  await within(
    everybody,
    () => failure ?? (group.firstLost === null ? `only ${heard} heard of it` : lossOf(group)),
  )
  const last = performance.now() - begun
  const answeredAfter = await answered
  if (wrong !== null) throw new Error(`An event says ${String(wrong)} and not ${told}.`)
  return { first, last, answered: answeredAfter }
}

/** Some leave and as many come, for as long as the crowd is there. */
export function beginChurn(name: string, perSecond: number): { count: number } {
  const group = groupOf(name)
  let come = 0
  const timer = setInterval(() => {
    if (!groups.has(name)) clearInterval(timer)
    const [leaves] = group.listeners
    if (leaves === undefined) return
    group.listeners.delete(leaves)
    leaves.close()
    come += 1
    // Whoever is lost is counted, and told of when the crowd is dispersed.
    group.addOne(group.tokens[come % group.tokens.length] ?? '').catch(() => {})
  }, 1000 / perSecond)
  return { count: group.listeners.size }
}

/** How many stayed until now, how many were lost unasked, and why the first of those was. */
export async function disperse(name: string): Promise<Dispersed> {
  const group = groupOf(name)
  groups.delete(name)
  const until = performance.now() + LAST_COME_MS
  while (group.expecting.size > 0 && performance.now() < until) await pause(50)
  for (const listener of [...group.listeners, ...group.expecting]) listener.close()
  const { lost, firstLost, expecting, listeners } = group
  return {
    count: listeners.size,
    lost: lost + expecting.size,
    firstLost: firstLost ?? (expecting.size > 0 ? 'it heard nothing' : null),
  }
}

function lossOf({ lost, firstLost }: Group): string {
  return `${lost} subscribers were lost, the first: ${String(firstLost)}`
}

function groupOf(name: string): Group {
  const group = groups.get(name)
  if (group === undefined) throw new Error(`There is no crowd ${name}.`)
  return group
}

async function within<T>(work: Promise<T>, otherwise: () => string): Promise<T> {
  const backoff = new AbortController()
  const tooLong = pause(BACKOFF_MS, null, { signal: backoff.signal }).then(() => {
    throw new Error(otherwise())
  })
  try {
    return await Promise.race([work, tooLong])
  } finally {
    backoff.abort()
    tooLong.catch(() => {})
  }
}
