/** Timeout of queries and mutations. */
import { GraphQLError } from 'graphql'
import type { Deadlines } from '../../../shared/deadlines.ts'
import type { GatewayPlugin } from './plugin.ts'

/** Timeout in milliseconds; twice the timeout for creating one upload URL at Stream. */
export const OPERATION_TIMEOUT_MS = 30_000

/**
 * Responds with a timeout error after the deadline and executes no further fields. Uploads created before
 * it are kept: their creator finds them, with their URLs, in the list of uploads.
 */
export function createOperationTimeout(deadlines: Deadlines): GatewayPlugin {
  return {
    onExecute({ args: { contextValue }, executeFn, setExecuteFn }) {
      setExecuteFn(async (args) => {
        const timeout = new AbortController()
        const end = deadlines.start(() => timeout.abort(timeoutError()))
        try {
          // Yoga's executor accepts `signal`, which the types of graphql-js lack.
          const withSignal = { ...args, signal: timeout.signal }
          const result: unknown = await executeFn(withSignal)
          return result
        } catch (error) {
          if (!timeout.signal.aborted) throw error
          return { data: null, errors: [timeoutError()] }
        } finally {
          end()
          contextValue.pages.end()
        }
      })
    },
  }
}

export function timeoutError(): GraphQLError {
  return new GraphQLError(
    `The operation timed out after ${OPERATION_TIMEOUT_MS / 1000} seconds. Its changes so far remain. Check them before you retry, or use an idempotencyKey.`,
    { extensions: { code: 'TIMEOUT' } },
  )
}
