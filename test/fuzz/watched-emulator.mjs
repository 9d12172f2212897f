/**
 * The emulator alone, from built code, which tells over IPC how much memory it needs once everything
 * is collected that can be. Started with `--expose-gc`.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { startEmulator } from '../../dist/emulator/emulator.js'

/** What a collection leaves to finalizers is collected by the next. */
const ROUNDS = 6

const { url, apiBaseUrl, accountId, token } = await startEmulator({
  encodeMs: 0,
  storageMinutes: 10_000_000,
  onError: (error) => process.send({ kind: 'error', error: String(error?.stack ?? error) }),
})

async function tell() {
  for (let round = 0; round < ROUNDS; round += 1) {
    globalThis.gc()
    await pause(50)
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  process.send({ kind: 'state', heapUsed, external, rss })
}

process.on('message', () => void tell())
process.on('disconnect', () => process.exit(1))
process.send({ kind: 'ready', url, apiBaseUrl, accountId, token })
