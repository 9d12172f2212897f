/** The long edition: `npm run test:fuzz`. HEADGATE_FUZZ_COUNT and HEADGATE_FUZZ_SEED choose. */
import { describe, expect, it } from 'vitest'
import { wholeNumberFrom } from '../chaos/seed.ts'
import { runBattery } from './run.ts'
import { printEmulatorBattery, runEmulatorBattery } from './emulator-battery.ts'
import { hoardDocuments } from './document-cache-inputs.ts'
import { printBattery, printHoard } from './report.ts'

const seed = wholeNumberFrom('HEADGATE_FUZZ_SEED') ?? Math.floor(Math.random() * 1_000_000)
const inputs = wholeNumberFrom('HEADGATE_FUZZ_COUNT') ?? 100_000
/** Bytes that the heap may be larger by: a hundred for each input. */
const MAX_GROWTH = 10_000_000
/** Bytes of documents that may be remembered, for the sake of those that come again. */
const MAX_HOARDED = 64_000_000

describe(`hostile inputs with HEADGATE_FUZZ_SEED=${seed}`, () => {
  it('are all answered, break nothing, mint nothing beyond the limit, leave nothing behind', async () => {
    const outcome = await runBattery({ seed, inputs, createsPerMinute: 60, fillsCaches: true })
    printBattery(outcome)
    expect(outcome.violations).toEqual([])
    expect(outcome.after.heapUsed - outcome.before.heapUsed).toBeLessThan(MAX_GROWTH)
  })

  it('end no emulator, and leave no memory behind there', async () => {
    const outcome = await runEmulatorBattery({ seed, inputs: Math.ceil(inputs / 5) })
    printEmulatorBattery(outcome)
    expect(outcome.violations).toEqual([])
    expect(outcome.after.heapUsed - outcome.before.heapUsed).toBeLessThan(MAX_GROWTH)
  })

  it('cannot make the gateway remember document after document', async () => {
    const outcome = await hoardDocuments(2200)
    printHoard(outcome)
    expect(outcome.after.heapUsed - outcome.before.heapUsed).toBeLessThan(MAX_HOARDED)
  })
})
