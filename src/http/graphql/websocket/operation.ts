/** Executes operations of a WebSocket with the same Yoga plugins as HTTP requests. */
import { type ExecutionResult, GraphQLError, OperationTypeNode, getOperationAST } from 'graphql'
import type { SubscribePayload } from 'graphql-ws'
import { isAsyncIterable } from 'graphql-yoga'
import { createSubscriptionState } from '../../../graphql/context.ts'
import type { Viewer } from '../../../uploads/viewer.ts'
import type { FindDocument } from '../plugins/persisted-queries.ts'
import type { EnvelopedFunctions, Yoga } from '../yoga.ts'
import type { AuthenticatedConnection } from './connection-auth.ts'

/** Maximum characters of an operation id, which is kept until the operation ends and sent with each event. */
export const MAX_ID_CHARACTERS = 256

export type BegunOperation =
  /** The operation was not executed. */
  | { readonly kind: 'errors'; readonly errors: readonly GraphQLError[] }
  | { readonly kind: 'result'; readonly result: ExecutionResult }
  | {
      readonly kind: 'events'
      readonly events: AsyncIterable<ExecutionResult>
      /** Resolves when the next result can be executed: the subscription has changed, or has ended. */
      readonly nextChange: () => Promise<void>
      /** Whether the events ended although further events may follow. */
      readonly isInterrupted: () => boolean
    }

export type BeginOperation = (viewer: Viewer, params: SubscribePayload) => Promise<BegunOperation>

export function createBeginOperation(yoga: Yoga, findDocument: FindDocument): BeginOperation {
  return async (viewer, params) => {
    const found = findDocument(params)
    if (found.kind === 'rejected') return { kind: 'errors', errors: [found.error] }
    const { operationName, variables } = params
    const query = found.kind === 'text' ? found.text : params.query
    const subscription = createSubscriptionState()
    const enveloped: EnvelopedFunctions = yoga.getEnveloped({ viewer, subscription })
    const { schema } = enveloped
    try {
      const document = enveloped.parse(query)
      const errors = enveloped.validate(schema, document)
      if (errors.length > 0) return { kind: 'errors', errors }
      const operation = getOperationAST(document, operationName)
      if (!operation) return rejected('Unable to identify operation')
      const args = {
        schema,
        document,
        operationName,
        variableValues: variables,
        contextValue: await enveloped.contextFactory(),
      }
      if (operation.operation !== OperationTypeNode.SUBSCRIPTION) {
        return { kind: 'result', result: await enveloped.execute(args) }
      }
      const result = await enveloped.subscribe(args)
      if (!isAsyncIterable(result)) return { kind: 'result', result }
      const { nextChange, isInterrupted } = subscription
      return { kind: 'events', events: result, nextChange, isInterrupted }
    } catch (error) {
      if (error instanceof GraphQLError) return { kind: 'errors', errors: [error] }
      throw error
    }
  }
}

function rejected(message: string): BegunOperation {
  return { kind: 'errors', errors: [new GraphQLError(message)] }
}

/** Returns the error if the token has expired or the id is too long; otherwise null. */
export function rejectionFor(
  id: string,
  authenticated: Pick<AuthenticatedConnection, 'isExpired'>,
): GraphQLError | null {
  if (authenticated.isExpired()) {
    return withCode('UNAUTHENTICATED', 'The token has expired. Reconnect with a new token.')
  }
  if (id.length <= MAX_ID_CHARACTERS) return null
  return withCode(
    'BAD_USER_INPUT',
    `Operation id too long (limit: ${MAX_ID_CHARACTERS} characters).`,
  )
}

function withCode(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } })
}

/** State of an operation, from the client's `subscribe` message until its last message or `complete`. */
export interface Operation {
  isOver: boolean
  /** Stops the event producer; null until the producer exists. */
  stop: (() => void) | null
}

/** Sets the operation's `stop` function, or calls it immediately if the operation is over. */
export function stopWith(operation: Operation, stop: () => void): void {
  if (operation.isOver) stop()
  else operation.stop = stop
}

/** Ends an event producer, and resolves when it has ended. */
export async function release(iterator: AsyncIterator<unknown>): Promise<void> {
  await iterator.return?.()
}
