/** Limits the memory that the documents and variables of one caller's open subscriptions use. */
import { type DocumentNode, type ExecutionArgs, GraphQLError, getOperationAST } from 'graphql'
import { isAsyncIterable } from 'graphql-yoga'
import { addReference } from '../../../shared/ref-count.ts'
import { pickVariables, variableNames } from './declared-variables.ts'
import type { GatewayPlugin } from './plugin.ts'

/**
 * Maximum total characters per caller, variables as JSON. A document that several subscriptions use counts once,
 * the variables of each count.
 */
export const MAX_SUBSCRIPTION_CHARACTERS = 200_000

type Variables = Readonly<Record<string, unknown>>

export interface SubscriptionDocuments {
  /**
   * Counts a subscription of this caller until the returned function is called. Returns null, and counts
   * nothing, if the document or the variables would exceed the caller's limit.
   * @param variables those that the operation declares
   */
  acquire(subject: string, document: DocumentNode, variables: Variables): (() => void) | null
  /** Yoga plugin that rejects subscriptions above the limit before they start. */
  readonly plugin: GatewayPlugin
}

/** The open subscriptions of one caller. */
interface OpenSubscriptions {
  /** Number of subscriptions by document. */
  readonly documents: Map<DocumentNode, number>
  /** Characters of the variables of all. */
  variableCharacters: number
}

export function createSubscriptionDocuments(): SubscriptionDocuments {
  const bySubject = new Map<string, OpenSubscriptions>()

  function acquire(
    subject: string,
    document: DocumentNode,
    variables: Variables,
  ): (() => void) | null {
    const open = bySubject.get(subject) ?? { documents: new Map(), variableCharacters: 0 }
    const { documents } = open
    const characters = charactersOf(variables)
    const needed = open.variableCharacters + characters + charactersWith(document, documents)
    if (needed > MAX_SUBSCRIPTION_CHARACTERS) return null
    bySubject.set(subject, open)
    open.variableCharacters += characters
    const removeReference = addReference(documents, document)
    let isOpen = true
    return () => {
      if (!isOpen) return
      isOpen = false
      open.variableCharacters -= characters
      removeReference()
      if (documents.size === 0 && bySubject.get(subject) === open) bySubject.delete(subject)
    }
  }

  return {
    acquire,
    plugin: {
      onSubscribe({ args, subscribeFn, setSubscribeFn }) {
        const executionArgs: Nameable = args
        const { subject } = args.contextValue.viewer
        let leave: (() => void) | null = null
        setSubscribeFn(async (subscribeArgs) => {
          leave = acquire(subject, executionArgs.document, declaredVariables(executionArgs))
          if (leave === null) return { errors: [characterLimitError()] }
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

type Nameable = Pick<ExecutionArgs, 'document' | 'operationName' | 'variableValues'>

function declaredVariables({ document, operationName, variableValues }: Nameable): Variables {
  const operation = getOperationAST(document, operationName)
  return operation && variableValues ? pickVariables(variableNames(operation), variableValues) : {}
}

/** Returns the characters of the variables as JSON; Infinity if they are nested too deep to be written. */
function charactersOf(variables: Variables): number {
  if (Object.keys(variables).length === 0) return 0
  try {
    return JSON.stringify(variables).length
  } catch (error) {
    if (error instanceof RangeError) return Infinity
    throw error
  }
}

/** Returns the characters of the open documents with this one. */
function charactersWith(document: DocumentNode, open: ReadonlyMap<DocumentNode, number>): number {
  let characters = open.has(document) ? 0 : lengthOf(document)
  for (const each of open.keys()) characters += lengthOf(each)
  return characters
}

function lengthOf({ loc }: DocumentNode): number {
  return loc?.end ?? 0
}

function characterLimitError(): GraphQLError {
  return new GraphQLError(
    `The documents and variables of your open subscriptions have more than ${MAX_SUBSCRIPTION_CHARACTERS} characters. Use short variables, so that subscriptions share a document.`,
    { extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 60 } },
  )
}
