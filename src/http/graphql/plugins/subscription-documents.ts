/** Limits the memory that the documents of one caller's open subscriptions use. */
import { type DocumentNode, type ExecutionArgs, GraphQLError } from 'graphql'
import { isAsyncIterable } from 'graphql-yoga'
import { addReference } from '../../../shared/ref-count.ts'
import type { GatewayPlugin } from './plugin.ts'

/** Maximum total characters per caller. A document that several subscriptions use counts once. */
export const MAX_SUBSCRIPTION_CHARACTERS = 200_000

export interface SubscriptionDocuments {
  /**
   * Counts a subscription of this caller until the returned function is called. Returns null, and counts
   * nothing, if the document would exceed the caller's limit.
   */
  acquire(subject: string, document: DocumentNode): (() => void) | null
  /** Yoga plugin that rejects subscriptions above the limit before they start. */
  readonly plugin: GatewayPlugin
}

export function createSubscriptionDocuments(): SubscriptionDocuments {
  /** Number of open subscriptions per document, by caller. */
  const bySubject = new Map<string, Map<DocumentNode, number>>()

  function acquire(subject: string, document: DocumentNode): (() => void) | null {
    const open = bySubject.get(subject) ?? new Map<DocumentNode, number>()
    if (!open.has(document)) {
      const characters = [document, ...open.keys()].reduce((sum, each) => sum + lengthOf(each), 0)
      if (characters > MAX_SUBSCRIPTION_CHARACTERS) return null
    }
    bySubject.set(subject, open)
    const removeReference = addReference(open, document)
    return () => {
      removeReference()
      if (open.size === 0 && bySubject.get(subject) === open) bySubject.delete(subject)
    }
  }

  return {
    acquire,
    plugin: {
      onSubscribe({ args, subscribeFn, setSubscribeFn }) {
        const executionArgs: Pick<ExecutionArgs, 'document'> = args
        const { subject } = args.contextValue.viewer
        let leave: (() => void) | null = null
        setSubscribeFn(async (subscribeArgs) => {
          leave = acquire(subject, executionArgs.document)
          if (leave === null) return { errors: [documentLimitError()] }
          let result: unknown
          try {
            result = await subscribeFn(subscribeArgs)
            return result
          } finally {
            if (!isAsyncIterable(result)) leave()
          }
        })
        return { onSubscribeResult: () => ({ onEnd: () => leave?.() }) }
      },
    },
  }
}

function lengthOf({ loc }: DocumentNode): number {
  return loc?.end ?? 0
}

function documentLimitError(): GraphQLError {
  return new GraphQLError(
    `The documents of your open subscriptions have more than ${MAX_SUBSCRIPTION_CHARACTERS} characters. Use variables, so that subscriptions share a document.`,
    { extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 60 } },
  )
}
