/** Runs the fault scenario with two targets of callbacks that fail, and checks what they received. */
import { setTimeout as pause } from 'node:timers/promises'
import { callbackVariables } from '../kit/callback-target.ts'
import { type FaultyTarget, startFaultyTarget } from './callback-target.ts'
import { lossesOfCallbacks } from './compare-callbacks.ts'
import { allUploads } from './compare-state.ts'
import {
  type FaultScenarioOptions,
  type FaultScenarioOutcome,
  runFaultScenarioWith,
} from './fault-scenario.ts'
import { startSetup } from './setup.ts'

export interface CallbackScenarioOptions extends FaultScenarioOptions {
  readonly gatewayCount: number
  /** How long the targets fail and work in turn, in milliseconds from the start. */
  readonly targetsFailMs: number
  /** Maximum time after the scenario until all callbacks are accepted. */
  readonly deliveredWithinMs: number
}

export interface CallbackScenarioOutcome {
  readonly faults: FaultScenarioOutcome
  readonly targets: readonly FaultyTarget[]
  /** Every callback that is missing, too many, or out of order, as a sentence. */
  readonly losses: readonly string[]
  /** Milliseconds after the scenario until all callbacks were accepted. */
  readonly restMs: number
}

export async function runCallbackScenario(
  options: CallbackScenarioOptions,
): Promise<CallbackScenarioOutcome> {
  const { seed, overMs, targetsFailMs, agreeWithinMs, deliveredWithinMs } = options
  const targets = await Promise.all([seed + 4, seed + 5].map(startFaultyTarget))
  try {
    const setup = await startSetup({
      ...options,
      timeoutMs: overMs + agreeWithinMs + deliveredWithinMs,
      variables: callbackVariables(...targets),
    })
    try {
      for (const target of targets) target.failFor(targetsFailMs)
      const faults = await runFaultScenarioWith(setup, options)
      const startedAt = Date.now()
      const uploads = await allUploads(setup.admin)
      let losses = lossesOfCallbacks(uploads, targets)
      while (losses.length > 0 && Date.now() - startedAt < deliveredWithinMs) {
        await pause(500)
        losses = lossesOfCallbacks(uploads, targets)
      }
      return { faults, targets, losses, restMs: Date.now() - startedAt }
    } finally {
      await setup.end()
    }
  } finally {
    for (const target of targets) await target.close()
  }
}
