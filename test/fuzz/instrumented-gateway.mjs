/**
 * Starts the gateway like `headgate serve` and reports its memory over IPC, after garbage collection.
 * JavaScript, because it imports the built code. Needs `--expose-gc`.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { createLogger } from '../../dist/node/logger.js'
import { readConfig, startGateway } from '../../dist/index.js'

/** Several rounds, because objects with finalizers are collected in a later round. */
const ROUNDS = 6

// Measures how long the event loop is blocked.
const delays = monitorEventLoopDelay({ resolution: 10 })
delays.enable()

const outcome = readConfig(process.env)
if (outcome.kind === 'errors') throw new Error(outcome.errors.join('\n'))
const { url, emulator } = await startGateway(outcome.config, createLogger(outcome.config.logLevel))

async function reportState() {
  const longestBusyMs = delays.max / 1e6
  const cpuSeconds = process.cpuUsage().user / 1e6
  for (let round = 0; round < ROUNDS; round += 1) {
    globalThis.gc()
    await pause(50)
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  process.send({ kind: 'state', heapUsed, external, rss, longestBusyMs, cpuSeconds })
  // The garbage collections are not part of the measurement.
  delays.reset()
}

process.on('message', () => void reportState())
// The parent process has exited.
process.on('disconnect', () => process.exit(1))
process.send({
  kind: 'ready',
  url,
  emulatorUrl: emulator.url,
  apiBaseUrl: emulator.apiBaseUrl,
  apiToken: emulator.token,
})
