/**
 * The gateway as `headgate serve` starts it, which tells over IPC how much memory it needs once
 * everything is collected that can be. JavaScript, because it runs beside what was built; started
 * with `--expose-gc`.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { createLogger } from '../../dist/node/logger.js'
import { readConfig, startGateway } from '../../dist/index.js'

/** What a collection leaves to finalizers is collected by the next. */
const ROUNDS = 6

// One thing at a time: whatever takes long keeps everybody else waiting.
const delays = monitorEventLoopDelay({ resolution: 10 })
delays.enable()

const outcome = readConfig(process.env)
if (outcome.kind === 'mistakes') throw new Error(outcome.errors.join('\n'))
const { url, emulator } = await startGateway(outcome.config, createLogger(outcome.config.logLevel))

async function tell() {
  const longestBusyMs = delays.max / 1e6
  const cpuSeconds = process.cpuUsage().user / 1e6
  for (let round = 0; round < ROUNDS; round += 1) {
    globalThis.gc()
    await pause(50)
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  process.send({ kind: 'state', heapUsed, external, rss, longestBusyMs, cpuSeconds })
  // The collections themselves do not count.
  delays.reset()
}

process.on('message', () => void tell())
// Whoever started it is gone: nobody would end it.
process.on('disconnect', () => process.exit(1))
process.send({
  kind: 'ready',
  url,
  emulatorUrl: emulator.url,
  apiBaseUrl: emulator.apiBaseUrl,
  apiToken: emulator.token,
})
