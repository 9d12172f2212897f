/**
 * Starts the gateway like `headgate serve`, with a clock that runs several times as fast. The clock
 * continues across restarts, because it counts from a given timestamp. JavaScript, because it imports
 * the built code.
 */
import { systemClock } from '../../dist/shared/clock.js'
import { createLogger } from '../../dist/node/logger.js'
import { readConfig, startGateway } from '../../dist/index.js'

const pace = Number(process.env.HEADGATE_CHAOS_PACE)
const since = Number(process.env.HEADGATE_CHAOS_SINCE)

/** @type {import('../../dist/shared/clock.js').Clock} */
const fastClock = {
  now: () => new Date(since + (Date.now() - since) * pace),
  monotonicMs: () => performance.now() * pace,
  wait: (milliseconds, signal) => systemClock.wait(milliseconds / pace, signal),
}

const outcome = readConfig(process.env)
if (outcome.kind === 'errors') throw new Error(outcome.errors.join('\n'))
await startGateway(outcome.config, createLogger(outcome.config.logLevel), fastClock)
