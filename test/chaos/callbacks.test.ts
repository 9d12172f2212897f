/** The long run with targets of callbacks that fail: part of `npm run test:chaos`, with the same variables. */
import { describe, expect, it } from 'vitest'
import { describeWithPostgres } from '../kit/postgres.ts'
import { runCallbackScenario } from './callback-scenario.ts'
import { printCallbacks, printFaultScenario } from './report.ts'
import { chosenSeed, wholeNumberFrom } from './seed.ts'
import { GATEWAYS } from './three-gateways.ts'

const seed = chosenSeed()
const TIMEOUT = { timeout: 600_000 }
/** The targets fail for 50 s. A callback that fails three times in them is sent again two minutes later. */
const options = {
  seed,
  uploads: wholeNumberFrom('HEADGATE_CHAOS_UPLOADS') ?? 200,
  pace: 1,
  encodeMs: 1500,
  overMs: 25_000,
  targetsFailMs: 50_000,
  faultsPerSecond: 4,
  killsDuringCreate: 1,
  maxDelayMs: 1000,
  agreeWithinMs: 90_000,
  deliveredWithinMs: 180_000,
}

describe(`callbacks with HEADGATE_CHAOS_SEED=${seed}`, () => {
  it('reach each target once and in order although the gateway is killed', TIMEOUT, async () => {
    const outcome = await runCallbackScenario({ ...options, gatewayCount: 1, kills: 5 })
    printFaultScenario(outcome.faults)
    printCallbacks(outcome)
    expect([outcome.faults.losses, outcome.losses]).toEqual([[], []])
  })
})

describeWithPostgres(`callbacks of three gateways with HEADGATE_CHAOS_SEED=${seed}`, () => {
  it(
    'reach each target once and in order although gateways and their database are killed',
    TIMEOUT,
    async () => {
      const outcome = await runCallbackScenario({
        ...options,
        gatewayCount: GATEWAYS,
        kills: 6,
        databaseKills: 2,
      })
      printFaultScenario(outcome.faults)
      printCallbacks(outcome)
      expect([outcome.faults.losses, outcome.losses]).toEqual([[], []])
    },
  )
})
