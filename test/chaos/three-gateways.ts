/** The storm over three gateways on one PostgreSQL, and after it what they do once between them. */
import { type Upkeep, type UpkeepOptions, measureUpkeep } from './shared-maintenance.ts'
import { setSetup } from './setup.ts'
import { type StormOptions, type StormOutcome, raiseStorm } from './fault-scenario.ts'

/** As many as a small deployment has. */
export const GATEWAYS = 3
/** How much longer the storm may take where a busy machine starts what was killed. */
const RESTARTS_MS = 60_000

export interface ThreeOutcome {
  readonly storm: StormOutcome
  readonly upkeep: Upkeep
}

export async function runThree(options: StormOptions & UpkeepOptions): Promise<ThreeOutcome> {
  const { overMs, restWithinMs, withinMs } = options
  const setup = await setSetup({
    ...options,
    gatewayCount: GATEWAYS,
    patienceMs: overMs + restWithinMs + withinMs + RESTARTS_MS,
  })
  try {
    return { storm: await raiseStorm(setup, options), upkeep: await measureUpkeep(setup, options) }
  } finally {
    await setup.end()
  }
}
