/** A short run of the emulator's battery, for every `npm test`. */
import { expect, it } from 'vitest'
import { wholeNumberFrom } from '../chaos/seed.ts'
import { printEmulatorBattery, runEmulatorBattery } from './emulator-battery.ts'

const seed = wholeNumberFrom('HEADGATE_FUZZ_SEED') ?? Math.floor(Math.random() * 1_000_000)

it(`answers hostile uploads with HEADGATE_FUZZ_SEED=${seed} and goes on`, async () => {
  const outcome = await runEmulatorBattery({ seed, inputs: 300 })
  printEmulatorBattery(outcome)
  expect(outcome.violations).toEqual([])
}, 120_000)
