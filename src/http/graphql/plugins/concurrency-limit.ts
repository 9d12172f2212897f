/** Limits the concurrent operations of each caller, across all its connections to this process. */
import { GraphQLError } from 'graphql'
import type { Telemetry } from '../../../uploads/ports/telemetry.ts'
import { GRAPHQL_PATH } from '../endpoint.ts'
import type { GatewayPlugin } from './plugin.ts'
import { addReference } from '../../../shared/ref-count.ts'

/** Maximum number of concurrent queries and mutations. A page runs a few; a backend that mints URLs, dozens. */
export const MAX_CONCURRENT_OPERATIONS = 100

export interface ConcurrencyLimit {
  /** Whether the caller may start another operation. */
  hasCapacity(subject: string): boolean
  /** Counts one operation until the returned function is called. Null if the caller is at the limit. */
  acquire(subject: string): (() => void) | null
  /** Excludes the operation with this context, because it is already counted or part of one that is. */
  exempt(context: object): void
  /** Rejects operations above the limit before they are executed. */
  readonly plugin: GatewayPlugin
}

export function createConcurrencyLimit(
  telemetry: Pick<Telemetry, 'requestRejected'>,
): ConcurrencyLimit {
  const running = new Map<string, number>()
  const exempted = new WeakSet<object>()

  function hasCapacity(subject: string): boolean {
    return (running.get(subject) ?? 0) < MAX_CONCURRENT_OPERATIONS
  }

  function acquire(subject: string): (() => void) | null {
    return hasCapacity(subject) ? addReference(running, subject) : null
  }

  return {
    hasCapacity,
    acquire,
    exempt: (context) => void exempted.add(context),
    plugin: {
      onExecute({ args, executeFn, setExecuteFn }) {
        if (exempted.has(args.contextValue)) return
        const { subject } = args.contextValue.viewer
        setExecuteFn(async (executionArgs) => {
          const release = acquire(subject)
          if (release === null) {
            telemetry.requestRejected(GRAPHQL_PATH, 'concurrency_limit')
            return { data: null, errors: [concurrencyLimitError()] }
          }
          try {
            const result: unknown = await executeFn(executionArgs)
            return result
          } finally {
            release()
          }
        })
      },
    },
  }
}

function concurrencyLimitError(): GraphQLError {
  return new GraphQLError(
    `Too many concurrent operations (limit: ${MAX_CONCURRENT_OPERATIONS} per caller).`,
    { extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 1 } },
  )
}
