/** Seats subscribers: with those who watch the same already, or with an audience of their own. */
import { createContext } from '../../../../graphql/context.ts'
import type { Parts } from '../../../../uploads/dependencies.ts'
import type { SubscriptionTransport } from '../../../../uploads/ports/telemetry.ts'
import type { Viewer } from '../../../../uploads/viewer.ts'
import type { Lapses } from '../../../auth/token-expiry.ts'
import type { Asked } from '../graphql-params.ts'
import { type Audience, openAudience } from './shared-subscription.ts'
import type { Subscriber, Told } from './subscriber.ts'
import type { LongWay } from '../fallback-executor.ts'
import type { Plan } from '../operation-cache.ts'

export interface Audiences {
  /**
   * Joins, or opens, the audience of this subscription. What comes back ends it for this subscriber.
   * Null where it is not to be had: the long way says why.
   */
  join(
    plan: Plan,
    viewer: Viewer,
    variables: Asked['variables'],
    subscriber: Subscriber,
    transport: SubscriptionTransport,
  ): Promise<(() => void) | null>
}

/** More than one were over before they could be joined: somebody else's coming and going. */
const MOST_ATTEMPTS = 3

export function createAudiences(parts: Parts, longWay: LongWay, lapses: Lapses): Audiences {
  // Each subscriber is counted by itself, and ends with its own token.
  const shared: Parts = { ...parts, watchers: { ...parts.watchers, enter: () => () => undefined } }
  const byPlan = new WeakMap<Plan, Map<string, Promise<Audience | null>>>()

  function audienceOf(
    plan: Plan,
    viewer: Viewer,
    variables: Asked['variables'],
  ): Promise<Audience | null> {
    const audiences = byPlan.get(plan) ?? new Map<string, Promise<Audience | null>>()
    byPlan.set(plan, audiences)
    const key = JSON.stringify([viewer.subject, viewer.isAdmin, variables])
    const known = audiences.get(key)
    if (known !== undefined) return known
    const forget = (): void => {
      if (audiences.get(key) === opening) audiences.delete(key)
    }
    const opening = open(plan, { ...viewer, expiresAt: null }, variables, forget)
    audiences.set(key, opening)
    return opening
  }

  /** Null where no audience is to be had. */
  async function seat(
    plan: Plan,
    viewer: Viewer,
    variables: Asked['variables'],
    subscriber: Subscriber,
  ): Promise<Audience | null> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const audience = await audienceOf(plan, viewer, variables)
      // One that is over was forgotten: the next is another.
      if (audience === null || audience.join(subscriber)) return audience
    }
    return null
  }

  async function open(
    plan: Plan,
    viewer: Viewer,
    variables: Asked['variables'],
    forget: () => void,
  ): Promise<Audience | null> {
    try {
      const audience = await openAudience(
        {
          args: {
            schema: longWay.schema,
            document: plan.document,
            operationName: plan.operationName,
            variableValues: variables,
            contextValue: createContext(shared, viewer),
          },
          presentFirst: plan.presentFirst,
          write: (event) => writeEvent(plan, viewer, variables, event),
          ...parts,
        },
        forget,
      )
      if (audience === null) forget()
      return audience
    } catch (error) {
      forget()
      throw error
    }
  }

  /** Each event is an answer of its own, as it stands when it is written. */
  async function writeEvent(
    plan: Plan,
    viewer: Viewer,
    variables: Asked['variables'],
    root: unknown,
  ): Promise<Told> {
    const context = createContext(shared, viewer)
    try {
      const data = await plan.carryOut({ context, variables, root })
      return { text: `{"data":${data}}`, hasErrors: false }
    } catch {
      return longWay.tell(plan, { context, variables, root })
    }
  }

  return {
    async join(plan, viewer, variables, subscriber, transport) {
      const leave = parts.watchers.enter(viewer.subject)
      if (leave === null) return null
      const audience = await seat(plan, viewer, variables, subscriber).catch(() => null)
      if (audience === null) {
        leave()
        return null
      }
      const startedAt = performance.now()
      const ended = parts.telemetry.subscribed(transport)
      const over = once(() => {
        ended()
        const outcome = subscriber.hasFailed() ? 'errors' : 'ok'
        plan.meter.done((performance.now() - startedAt) / 1000, outcome)
        stopWatching()
        leave()
        audience.leave(subscriber)
      })
      const stopWatching = lapses.watch(viewer, () => {
        subscriber.end('complete')
        over()
      })
      return over
    },
  }
}

function once(work: () => void): () => void {
  let isDone = false
  return () => {
    if (isDone) return
    isDone = true
    work()
  }
}
