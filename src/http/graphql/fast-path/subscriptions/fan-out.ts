/** Subscription fan-out: finds or opens the shared subscription for each subscriber. */
import { createContext, createSubscriptionState } from '../../../../graphql/context.ts'
import type { Dependencies } from '../../../../uploads/dependencies.ts'
import type { SubscriptionTransport } from '../../../../uploads/ports/telemetry.ts'
import { type Viewer, rightsKey } from '../../../../uploads/viewer.ts'
import type { TokenExpiry } from '../../../auth/token-expiry.ts'
import type { SubscriptionDocuments } from '../../plugins/subscription-documents.ts'
import type { GraphQLParams } from '../graphql-params.ts'
import { type SharedSubscription, openSharedSubscription } from './shared-subscription.ts'
import type { Subscriber } from './subscriber.ts'
import type { SerializedResult, FallbackExecutor } from '../fallback-executor.ts'
import type { CompiledOperation } from '../operation-cache.ts'

export interface SubscriptionFanOut {
  /**
   * Joins the shared subscription, or opens it. Resolves to an idempotent function that ends it for this
   * subscriber, or to null if the fallback must respond.
   */
  subscribe(
    operation: CompiledOperation,
    viewer: Viewer,
    variables: GraphQLParams['variables'],
    subscriber: Subscriber,
    transport: SubscriptionTransport,
  ): Promise<(() => void) | null>
}

/** Maximum attempts: a shared subscription can end before a subscriber joins it. */
const MAX_JOIN_ATTEMPTS = 3

export function createSubscriptionFanOut(
  dependencies: Dependencies,
  fallback: FallbackExecutor,
  expires: TokenExpiry,
  documents: Pick<SubscriptionDocuments, 'acquire'>,
): SubscriptionFanOut {
  // Not counted here: each subscriber is counted separately, and ends with its own token.
  const shared: Dependencies = {
    ...dependencies,
    watchRegistry: { ...dependencies.watchRegistry, openSubscription: () => () => undefined },
  }
  const byOperation = new WeakMap<
    CompiledOperation,
    Map<string, Promise<SharedSubscription | null>>
  >()

  function openShared(
    operation: CompiledOperation,
    viewer: Viewer,
    variables: GraphQLParams['variables'],
  ): Promise<SharedSubscription | null> {
    const subscriptions =
      byOperation.get(operation) ?? new Map<string, Promise<SharedSubscription | null>>()
    byOperation.set(operation, subscriptions)
    const key = JSON.stringify([rightsKey(viewer), variables])
    const known = subscriptions.get(key)
    if (known !== undefined) return known
    const remove = (): void => {
      if (subscriptions.get(key) === opening) subscriptions.delete(key)
    }
    const opening = open(operation, { ...viewer, expiresAt: null }, variables, remove)
    subscriptions.set(key, opening)
    return opening
  }

  /** Null if no shared subscription can be opened. */
  async function joinOrOpen(
    operation: CompiledOperation,
    viewer: Viewer,
    variables: GraphQLParams['variables'],
    subscriber: Subscriber,
  ): Promise<SharedSubscription | null> {
    for (let attempt = 0; attempt < MAX_JOIN_ATTEMPTS; attempt += 1) {
      const sharedSubscription = await openShared(operation, viewer, variables)
      // An ended one is removed from the map, so the next attempt opens another.
      if (sharedSubscription === null || sharedSubscription.join(subscriber))
        return sharedSubscription
    }
    return null
  }

  async function open(
    operation: CompiledOperation,
    viewer: Viewer,
    variables: GraphQLParams['variables'],
    remove: () => void,
  ): Promise<SharedSubscription | null> {
    const subscription = createSubscriptionState()
    try {
      const sharedSubscription = await openSharedSubscription(
        {
          args: {
            schema: fallback.schema,
            document: operation.document,
            operationName: operation.operationName,
            variableValues: variables,
            contextValue: { ...createContext(shared, viewer), subscription },
          },
          startsWithCurrentState: operation.startsWithCurrentState,
          write: (event) => writeEvent(operation, viewer, variables, event),
          isInterrupted: () => subscription.isInterrupted(),
          ...dependencies,
        },
        remove,
      )
      if (sharedSubscription === null) remove()
      return sharedSubscription
    } catch (error) {
      remove()
      throw error
    }
  }

  /** Executes the selection set for one event, with a new context for current data. */
  async function writeEvent(
    operation: CompiledOperation,
    viewer: Viewer,
    variables: GraphQLParams['variables'],
    root: unknown,
  ): Promise<SerializedResult> {
    const context = createContext(shared, viewer)
    try {
      const data = await operation.execute({ context, variables, root })
      return { text: `{"data":${data}}`, hasErrors: false }
    } catch {
      return fallback.executeEvent(operation, { context, variables, root })
    }
  }

  /** Counts a subscription. Null if the caller is at a limit, which the fallback reports. */
  function count(
    viewer: Viewer,
    operation: CompiledOperation,
    variables: GraphQLParams['variables'],
  ): (() => void) | null {
    const closeSubscription = dependencies.watchRegistry.openSubscription(viewer.subject)
    if (closeSubscription === null) return null
    const releaseDocument = documents.acquire(viewer.subject, operation.document, variables)
    if (releaseDocument === null) {
      closeSubscription()
      return null
    }
    return () => {
      closeSubscription()
      releaseDocument()
    }
  }

  return {
    async subscribe(operation, viewer, variables, subscriber, transport) {
      const leave = count(viewer, operation, variables)
      if (leave === null) return null
      const sharedSubscription = await joinOrOpen(operation, viewer, variables, subscriber).catch(
        () => null,
      )
      if (sharedSubscription === null) {
        leave()
        return null
      }
      const startedAt = performance.now()
      const ended = dependencies.telemetry.subscriptionOpened(transport)
      const endSubscription = once(() => {
        ended()
        const outcome = subscriber.hadErrors() ? 'errors' : 'ok'
        operation.meter.done((performance.now() - startedAt) / 1000, outcome)
        stopWatching()
        leave()
        sharedSubscription.leave(subscriber)
      })
      const stopWatching = expires.onExpiry(viewer, () => {
        subscriber.end('interrupted')
        endSubscription()
      })
      return endSubscription
    },
  }
}

function once(work: () => void): () => void {
  let isCompleted = false
  return () => {
    if (isCompleted) return
    isCompleted = true
    work()
  }
}
