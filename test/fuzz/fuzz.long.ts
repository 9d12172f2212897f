/** The long run: `npm run test:fuzz`, with HEADGATE_FUZZ_COUNT and HEADGATE_FUZZ_SEED. */
import { describe, expect, it } from 'vitest'
import { wholeNumberFrom } from '../chaos/seed.ts'
import { runBattery } from './run.ts'
import { printEmulatorBattery, runEmulatorBattery } from './emulator-battery.ts'
import { fillDocumentCache } from './document-cache-inputs.ts'
import { printBattery, printDocumentCache } from './report.ts'

const seed = wholeNumberFrom('HEADGATE_FUZZ_SEED') ?? Math.floor(Math.random() * 1_000_000)
const inputs = wholeNumberFrom('HEADGATE_FUZZ_COUNT') ?? 100_000
/** Maximum growth of the heap in bytes: a hundred per input. */
const MAX_GROWTH = 10_000_000
/** Maximum bytes of cached documents. */
const MAX_CACHE_BYTES = 64_000_000

describe(`hostile inputs with HEADGATE_FUZZ_SEED=${seed}`, () => {
  it('all get a response, violate nothing, stay within the rate limit and leak no memory', async () => {
    const outcome = await runBattery({ seed, inputs, createsPerMinute: 60, fillsCaches: true })
    printBattery(outcome)
    expect(outcome.violations).toEqual([])
    expect(outcome.after.heapUsed - outcome.before.heapUsed).toBeLessThan(MAX_GROWTH)
  })

  it('do not stop the emulator and leak no memory there', async () => {
    const outcome = await runEmulatorBattery({ seed, inputs: Math.ceil(inputs / 5) })
    printEmulatorBattery(outcome)
    expect(outcome.violations).toEqual([])
    expect(outcome.after.heapUsed - outcome.before.heapUsed).toBeLessThan(MAX_GROWTH)
  })

  it('fill the document cache only up to its limit', async () => {
    const outcome = await fillDocumentCache(2200)
    printDocumentCache(outcome)
    expect(outcome.after.heapUsed - outcome.before.heapUsed).toBeLessThan(MAX_CACHE_BYTES)
  })
})
