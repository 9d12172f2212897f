/** A bound on how many operations of one caller run at the same time, by whatever connections. */
import { GraphQLError } from 'graphql'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { GatewayPlugin } from './plugin.ts'
import { countOne } from '../uploads/count-one.ts'

/** Queries and mutations; a page has a handful under way, a backend that mints for many some dozens. */
export const MOST_RUNNING = 100

/** Refuses those beyond it before they start. */
export function createCrowdLimit(telemetry: Pick<Telemetry, 'refused'>): GatewayPlugin {
  const running = new Map<string, number>()
  return {
    onExecute({ args, executeFn, setExecuteFn }) {
      const { subject } = args.contextValue.viewer
      setExecuteFn(async (given) => {
        if ((running.get(subject) ?? 0) >= MOST_RUNNING) {
          telemetry.refused('/graphql', 'crowded')
          return { data: null, errors: [crowded()] }
        }
        const leave = countOne(running, subject)
        try {
          const result: unknown = await executeFn(given)
          return result
        } finally {
          leave()
        }
      })
    },
  }
}

function crowded(): GraphQLError {
  return new GraphQLError(
    `One caller may have ${MOST_RUNNING} operations under way: wait for some to be answered.`,
    { extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 1 } },
  )
}
