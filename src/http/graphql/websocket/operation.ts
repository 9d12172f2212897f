/** Operations that came by a WebSocket; begun as Yoga begins them over HTTP: same limits, same masks. */
import { type ExecutionResult, GraphQLError, OperationTypeNode, getOperationAST } from 'graphql'
import type { SubscribePayload } from 'graphql-ws'
import { isAsyncIterable } from 'graphql-yoga'
import type { Viewer } from '../../../uploads/viewer.ts'
import type { Enveloped } from '../../enveloped.ts'
import type { AuthenticatedConnection } from './connection-auth.ts'
import type { Yoga } from '../yoga.ts'

/** Clients use UUIDs or counters. An id is kept for as long as its subscription, and sent with each event. */
export const MOST_ID_CHARACTERS = 256

export type Begun =
  /** It was not executed. */
  | { readonly kind: 'errors'; readonly errors: readonly GraphQLError[] }
  | { readonly kind: 'result'; readonly result: ExecutionResult }
  | { readonly kind: 'events'; readonly events: AsyncIterable<ExecutionResult> }

export type BeginOperation = (viewer: Viewer, params: SubscribePayload) => Promise<Begun>

export function createBeginOperation(yoga: Yoga): BeginOperation {
  return async (viewer, { query, operationName, variables }) => {
    const enveloped: Enveloped = yoga.getEnveloped({ viewer })
    const { schema } = enveloped
    try {
      const document = enveloped.parse(query)
      const errors = enveloped.validate(schema, document)
      if (errors.length > 0) return { kind: 'errors', errors }
      const operation = getOperationAST(document, operationName)
      if (!operation) return refused('Unable to identify operation')
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
      return isAsyncIterable(result)
        ? { kind: 'events', events: result }
        : { kind: 'result', result }
    } catch (error) {
      if (error instanceof GraphQLError) return { kind: 'errors', errors: [error] }
      throw error
    }
  }
}

function refused(message: string): Begun {
  return { kind: 'errors', errors: [new GraphQLError(message)] }
}

/** Why this caller may not begin an operation of this id; null where it may. */
export function refusalOf(
  id: string,
  authenticated: Pick<AuthenticatedConnection, 'isExpired'>,
): GraphQLError | null {
  if (authenticated.isExpired()) {
    return withCode('UNAUTHENTICATED', 'The token has lapsed: connect again with a new one.')
  }
  if (id.length <= MOST_ID_CHARACTERS) return null
  return withCode(
    'BAD_USER_INPUT',
    `The id of an operation has at most ${MOST_ID_CHARACTERS} characters.`,
  )
}

function withCode(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } })
}

/** From `subscribe` until its last message, or until the client sends `complete`. */
export interface Operation {
  isOver: boolean
  /** Stops what produces its events; null where nothing does, or not yet. */
  stop: (() => void) | null
}

/** Says how it is stopped; that is done at once where it is over by now. */
export function stopWith(operation: Operation, stop: () => void): void {
  if (operation.isOver) stop()
  else operation.stop = stop
}

/** Ends what produces events. */
export async function release(iterator: AsyncIterator<unknown>): Promise<void> {
  await iterator.return?.()
}
