/** The long run with targets of callbacks that fail: part of `npm run test:chaos`, with the same variables. */
import { describe, expect, it } from 'vitest'
import { describeWithPostgres } from '../kit/postgres.ts'
import { type CallbackScenarioOutcome, runCallbackScenario } from './callback-scenario.ts'
import { printCallbacks, printFaultScenario } from './report.ts'
import { chosenSeed, wholeNumberFrom } from './seed.ts'
import { GATEWAYS } from './three-gateways.ts'

const seed = chosenSeed()
const TIMEOUT = { timeout: 600_000 }
/** The targets fail for 50 s. A callback that fails three times in them is sent again two minutes later. */
const options = {
  seed,
  uploads: wholeNumberFrom('HEADGATE_CHAOS_UPLOADS') ?? 190,
  // They expire while callbacks wait for their last attempt.
  expiringUploads: 10,
  pace: 1,
  encodeMs: 1500,
  overMs: 25_000,
  targetsFailMs: 50_000,
  faultsPerSecond: 4,
  killsDuringCreate: 1,
  maxDelayMs: 1000,
  agreeWithinMs: 150_000,
  deliveredWithinMs: 180_000,
}

/** Expects that both targets were told of each way in which an upload ends. */
function expectEveryEnd({ targets }: CallbackScenarioOutcome): void {
  for (const { receipts } of targets) {
    const types = new Set(receipts.map(({ type }) => type))
    expect([...types]).toEqual(
      expect.arrayContaining(['upload.ready', 'upload.failed', 'upload.expired', 'upload.deleted']),
    )
  }
}

describe(`callbacks with HEADGATE_CHAOS_SEED=${seed}`, () => {
  it('reach each target once and in order although the gateway is killed', TIMEOUT, async () => {
    const outcome = await runCallbackScenario({ ...options, gatewayCount: 1, kills: 5 })
    printFaultScenario(outcome.faults)
    printCallbacks(outcome)
    expect([outcome.faults.losses, outcome.losses]).toEqual([[], []])
    expectEveryEnd(outcome)
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
      expectEveryEnd(outcome)
    },
  )
})
