/** The short run for the emulator, part of `npm test`. */
import { expect, it } from 'vitest'
import { wholeNumberFrom } from '../chaos/seed.ts'
import { printEmulatorBattery, runEmulatorBattery } from './emulator-battery.ts'

const seed = wholeNumberFrom('HEADGATE_FUZZ_SEED') ?? Math.floor(Math.random() * 1_000_000)

it(`the emulator responds to hostile uploads and keeps running, HEADGATE_FUZZ_SEED=${seed}`, async () => {
  const outcome = await runEmulatorBattery({ seed, inputs: 300 })
  printEmulatorBattery(outcome)
  expect(outcome.violations).toEqual([])
}, 120_000)
