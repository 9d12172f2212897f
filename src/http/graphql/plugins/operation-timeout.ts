/** A bound on how long one query or mutation may take. */
import { GraphQLError } from 'graphql'
import type { Deadlines } from './deadlines.ts'
import type { GatewayPlugin } from './plugin.ts'

/** Twice as long as Stream is given to mint one URL. */
export const MOST_MILLISECONDS = 30_000

/**
 * Answers for what takes longer, and starts no further field of it. What was minted by then is not
 * lost: its creator finds it, with its URL, among its uploads.
 */
export function createTimeLimit(deadlines: Deadlines): GatewayPlugin {
  return {
    onExecute({ executeFn, setExecuteFn }) {
      setExecuteFn(async (args) => {
        const late = new AbortController()
        const end = deadlines.begin(() => late.abort(tooSlow()))
        try {
          // Yoga's executor takes a signal; the types of graphql-js know of none.
          const bounded = { ...args, signal: late.signal }
          const result: unknown = await executeFn(bounded)
          return result
        } catch (error) {
          if (!late.signal.aborted) throw error
          return { data: null, errors: [tooSlow()] }
        } finally {
          end()
        }
      })
    },
  }
}

export function tooSlow(): GraphQLError {
  return new GraphQLError(
    `The operation took longer than ${MOST_MILLISECONDS / 1000} seconds. What it did by then stands: look before you try again, or use an idempotencyKey.`,
    { extensions: { code: 'TIMEOUT' } },
  )
}
