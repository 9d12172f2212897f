/** Groups of subscribers: subscribes them, times the delivery of changes to them, closes them. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Target, openConnection } from './connection.ts'
import { type Subscriber, subscribeBySse, subscribeByWs } from './subscription-clients.ts'
import type { Change, UnsubscribeResult, Subscribe } from './work.ts'

/** Number of subscribers that connect at the same time. */
const CONCURRENCY = 50
/** Maximum time to wait for events. */
const TIMEOUT_MS = 60_000
/** Maximum time to wait for connecting subscribers when the group is closed. */
const LAST_CONNECT_MS = 5000

interface Group {
  readonly target: Target
  readonly subscribers: Set<Subscriber>
  /** Opens a subscriber and waits for its first event. */
  readonly addOne: (token: string) => Promise<void>
  readonly tokens: readonly string[]
  /** Subscribers that have received no event yet. */
  readonly connecting: Set<Subscriber>
  /** Number of changes so far. */
  changes: number
  /** Called for the first event of each change at each subscriber. */
  onEvent: (event: Buffer) => void
  /** Number of connections that the server ended, and the reason of the first. */
  lost: number
  firstLost: string | null
}

const groups = new Map<string, Group>()

export async function subscribeGroup(work: Subscribe): Promise<{ count: number }> {
  const { target, uid, tokens } = work
  const subscribeBy = work.transport === 'sse' ? subscribeBySse : subscribeByWs
  const group: Group = {
    target,
    tokens,
    subscribers: new Set(),
    connecting: new Set(),
    changes: 0,
    onEvent: () => {},
    lost: 0,
    firstLost: null,
    addOne: (token) =>
      new Promise((resolve, reject) => {
        let isFirst = true
        let lastChange = 0
        const subscriber = subscribeBy({
          target,
          token,
          uid,
          onEvent(event) {
            if (isFirst) {
              isFirst = false
              lastChange = group.changes
              group.connecting.delete(subscriber)
              group.subscribers.add(subscriber)
              resolve()
            } else if (lastChange !== group.changes) {
              lastChange = group.changes
              group.onEvent(event)
            }
          },
          onLost(reason) {
            group.lost += 1
            group.firstLost ??= reason
            group.connecting.delete(subscriber)
            group.subscribers.delete(subscriber)
            reject(new Error(`the server closed a subscriber's connection: ${reason}`))
          },
        })
        group.connecting.add(subscriber)
      }),
  }
  groups.set(work.group, group)
  for (let start = 0; start < tokens.length; start += CONCURRENCY) {
    const some = tokens.slice(start, start + CONCURRENCY).map(group.addOne)
    await within(Promise.all(some), () => `only ${group.subscribers.size} could subscribe`)
  }
  return { count: group.subscribers.size }
}

/** Milliseconds from the request until the first and the last subscriber received the change. */
export async function makeChange({
  group: name,
  request,
  expected,
  through,
}: Omit<Change, 'kind'>): Promise<{ first: number; last: number; responded: number }> {
  const group = groupOf(name)
  if (group.firstLost !== null) throw new Error(lossMessage(group))
  const subscribers = group.subscribers.size
  let first = 0
  let received = 0
  let wrong: string | null = null
  let sentAt = 0
  group.changes += 1
  const allReceived = new Promise<void>((resolve) => {
    group.onEvent = (event) => {
      received += 1
      if (!event.includes(expected)) wrong ??= event.toString()
      if (received === 1) first = performance.now() - sentAt
      if (received === subscribers) resolve()
    }
  })
  let failure: string | null = null
  const responded = new Promise<number>((resolve) => {
    const connection = openConnection(
      through ?? group.target,
      ({ status }) => {
        resolve(performance.now() - sentAt)
        if (status !== 200) failure = `the change was rejected with status ${status}`
        connection.close()
      },
      (reason) => {
        failure = reason
      },
    )
    sentAt = performance.now()
    connection.send(request)
  })
  await within(
    allReceived,
    () =>
      failure ??
      (group.firstLost === null
        ? `only ${received} subscribers received the change`
        : lossMessage(group)),
  )
  const last = performance.now() - sentAt
  const respondedAfter = await responded
  if (wrong !== null) throw new Error(`An event contains ${String(wrong)} instead of ${expected}.`)
  return { first, last, responded: respondedAfter }
}

/** Closes and opens subscribers at this rate until the group is closed. */
export function beginChurn(name: string, perSecond: number): { count: number } {
  const group = groupOf(name)
  let opened = 0
  const timer = setInterval(() => {
    if (!groups.has(name)) clearInterval(timer)
    const [oldest] = group.subscribers
    if (oldest === undefined) return
    group.subscribers.delete(oldest)
    oldest.close()
    opened += 1
    // Lost subscribers are counted, and reported when the group is closed.
    group.addOne(group.tokens[opened % group.tokens.length] ?? '').catch(() => {})
  }, 1000 / perSecond)
  return { count: group.subscribers.size }
}

/** Closes the group. Returns its size, the number of lost subscribers, and the reason of the first. */
export async function unsubscribe(name: string): Promise<UnsubscribeResult> {
  const group = groupOf(name)
  groups.delete(name)
  const until = performance.now() + LAST_CONNECT_MS
  while (group.connecting.size > 0 && performance.now() < until) await pause(50)
  for (const subscriber of [...group.subscribers, ...group.connecting]) subscriber.close()
  const { lost, firstLost, connecting, subscribers } = group
  return {
    count: subscribers.size,
    lost: lost + connecting.size,
    firstLost: firstLost ?? (connecting.size > 0 ? 'it received no event' : null),
  }
}

function lossMessage({ lost, firstLost }: Group): string {
  return `${lost} subscribers were lost, the first: ${String(firstLost)}`
}

function groupOf(name: string): Group {
  const group = groups.get(name)
  if (group === undefined) throw new Error(`Unknown group ${name}.`)
  return group
}

async function within<T>(work: Promise<T>, timeoutMessage: () => string): Promise<T> {
  const timer = new AbortController()
  const timeout = pause(TIMEOUT_MS, null, { signal: timer.signal }).then(() => {
    throw new Error(timeoutMessage())
  })
  try {
    return await Promise.race([work, timeout])
  } finally {
    timer.abort()
    timeout.catch(() => {})
  }
}
