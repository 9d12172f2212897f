/** The long run for the client: `npm run test:fuzz`, with HEADGATE_FUZZ_SEED. */
import { expect, it } from 'vitest'
import { wholeNumberFrom } from '../chaos/seed.ts'
import { runTusResponses } from './tus-responses.ts'

const RUNS = 10_000

const seed = wholeNumberFrom('HEADGATE_FUZZ_SEED') ?? Math.floor(Math.random() * 1_000_000)

it(`the client ends after any of ${RUNS} series of tus responses, HEADGATE_FUZZ_SEED=${seed}`, async () => {
  const outcomes = await runTusResponses(seed, RUNS)
  const counts = [...outcomes].map(([outcome, count]) => `${outcome} ${count}`)
  process.stdout.write(`tus responses, ${RUNS} runs: ${counts.join(', ')}\n`)
  expect(outcomes.get('READY')).toBeGreaterThan(RUNS / 20)
})
