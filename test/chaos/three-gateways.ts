/** Runs the fault scenario, then measures shared maintenance, with three gateways on one PostgreSQL. */
import {
  type MaintenanceOutcome,
  type MaintenanceOptions,
  measureSharedMaintenance,
} from './shared-maintenance.ts'
import { startSetup } from './setup.ts'
import {
  type FaultScenarioOptions,
  type FaultScenarioOutcome,
  runFaultScenarioWith,
} from './fault-scenario.ts'

/** Number of gateways of a small deployment. */
export const GATEWAYS = 3
/** Extra time for the restarts of killed gateways on a busy machine. */
const RESTARTS_MS = 60_000

export interface ThreeOutcome {
  readonly faults: FaultScenarioOutcome
  readonly maintenance: MaintenanceOutcome
}

export async function runThree(
  options: FaultScenarioOptions & MaintenanceOptions,
): Promise<ThreeOutcome> {
  const { overMs, agreeWithinMs, withinMs } = options
  const setup = await startSetup({
    ...options,
    gatewayCount: GATEWAYS,
    timeoutMs: overMs + agreeWithinMs + withinMs + RESTARTS_MS,
  })
  try {
    return {
      faults: await runFaultScenarioWith(setup, options),
      maintenance: await measureSharedMaintenance(setup, options),
    }
  } finally {
    await setup.end()
  }
}
