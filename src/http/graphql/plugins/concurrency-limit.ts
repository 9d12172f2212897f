/** A bound on how many operations of one caller run at the same time, by whatever connections. */
import { GraphQLError } from 'graphql'
import type { Telemetry } from '../../../uploads/ports/telemetry.ts'
import { GRAPHQL_PATH } from '../endpoint.ts'
import type { GatewayPlugin } from './plugin.ts'
import { countOne } from '../../../shared/ref-count.ts'

/** Queries and mutations; a page has a handful under way, a backend that mints for many some dozens. */
export const MOST_RUNNING = 100

export interface CrowdLimit {
  /** Whether one more may run. */
  hasRoom(subject: string): boolean
  /** Counts one more operation of the caller, until what comes back is called; null where it is one too many. */
  enter(subject: string): (() => void) | null
  /** Says that the operation of this context is counted already, or belongs to one that is. */
  exempt(context: object): void
  /** Refuses those beyond it before they start. */
  readonly plugin: GatewayPlugin
}

export function createCrowdLimit(telemetry: Pick<Telemetry, 'refused'>): CrowdLimit {
  const running = new Map<string, number>()
  const exempted = new WeakSet<object>()

  function hasRoom(subject: string): boolean {
    return (running.get(subject) ?? 0) < MOST_RUNNING
  }

  function enter(subject: string): (() => void) | null {
    return hasRoom(subject) ? countOne(running, subject) : null
  }

  return {
    hasRoom,
    enter,
    exempt: (context) => void exempted.add(context),
    plugin: {
      onExecute({ args, executeFn, setExecuteFn }) {
        if (exempted.has(args.contextValue)) return
        const { subject } = args.contextValue.viewer
        setExecuteFn(async (given) => {
          const leave = enter(subject)
          if (leave === null) {
            telemetry.refused(GRAPHQL_PATH, 'crowded')
            return { data: null, errors: [crowded()] }
          }
          try {
            const result: unknown = await executeFn(given)
            return result
          } finally {
            leave()
          }
        })
      },
    },
  }
}

function crowded(): GraphQLError {
  return new GraphQLError(
    `One caller may have ${MOST_RUNNING} operations under way: wait for some to be answered.`,
    { extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 1 } },
  )
}
