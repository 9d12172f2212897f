/** Queries the limits in force for the caller. */
import { ME, callerShape } from './operations.ts'
import { type GatewayEndpoint, executeTyped } from './request.ts'
import type { TypeOf } from '../shape.ts'

/** `remainingUploads` is null if the caller's token does not limit their number. */
export type CallerLimits = TypeOf<typeof callerShape>['limits']

/** Returns null if the gateway does not respond with them: it checks all of them itself too. */
export async function readCallerLimits(endpoint: GatewayEndpoint): Promise<CallerLimits | null> {
  try {
    const { limits } = await executeTyped(
      endpoint,
      { query: ME, variables: {} },
      callerShape,
      undefined,
    )
    return limits
  } catch {
    return null
  }
}
