/** The short run, part of `npm test`. */
import { describe, expect, it } from 'vitest'
import { wholeNumberFrom } from '../chaos/seed.ts'
import { runBattery } from './run.ts'
import { printBattery } from './report.ts'

const seed = wholeNumberFrom('HEADGATE_FUZZ_SEED') ?? Math.floor(Math.random() * 1_000_000)

describe(`hostile inputs with HEADGATE_FUZZ_SEED=${seed}`, { timeout: 60_000 }, () => {
  it('all get a response, violate nothing and stay within the rate limit', async () => {
    const outcome = await runBattery({
      seed,
      inputs: 1000,
      createsPerMinute: 20,
      fillsCaches: false,
    })
    printBattery(outcome)
    expect(outcome.violations).toEqual([])
  })
})
