/**
 * The gateway as `headgate serve` starts it, with a clock that runs several times as fast: what is
 * waited for half a minute takes seconds. The clock goes on across restarts, since it counts from a
 * moment that all of them are told. JavaScript, because it runs beside what was built.
 */
import { realClock } from '../../dist/shared/clock.js'
import { createLog } from '../../dist/node/logger.js'
import { readConfig, startGateway } from '../../dist/node/start-gateway.js'

const pace = Number(process.env.HEADGATE_CHAOS_PACE)
const since = Number(process.env.HEADGATE_CHAOS_SINCE)

/** @type {import('../../dist/uploads/dependencies.js').Clock} */
const hurriedClock = {
  now: () => new Date(since + (Date.now() - since) * pace),
  monotonicMs: () => performance.now() * pace,
  wait: (milliseconds, signal) => realClock.wait(milliseconds / pace, signal),
}

const outcome = readConfig(process.env)
if (outcome.kind === 'mistakes') throw new Error(outcome.mistakes.join('\n'))
await startGateway(outcome.config, createLog(outcome.config.logLevel), hurriedClock)
