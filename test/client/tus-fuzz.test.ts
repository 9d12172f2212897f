/** The short run, part of `npm test`; `npm run test:fuzz` does the long one. */
import { expect, it } from 'vitest'
import { wholeNumberFrom } from '../chaos/seed.ts'
import { runTusResponses } from '../fuzz/tus-responses.ts'

const seed = wholeNumberFrom('HEADGATE_FUZZ_SEED') ?? Math.floor(Math.random() * 1_000_000)

it(`the client ends after any tus responses, HEADGATE_FUZZ_SEED=${seed}`, async () => {
  const outcomes = await runTusResponses(seed, 200)
  expect(outcomes.get('READY')).toBeGreaterThan(0)
}, 60_000)
