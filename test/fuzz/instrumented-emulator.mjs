/**
 * Starts the emulator from the built code and reports its memory over IPC, after garbage collection.
 * Needs `--expose-gc`.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { startEmulator } from '../../dist/emulator/emulator.js'

/** Several rounds, because objects with finalizers are collected in a later round. */
const ROUNDS = 6

const { url, apiBaseUrl, accountId, token } = await startEmulator({
  encodeMs: 0,
  storageMinutes: 10_000_000,
  onError: (error) => process.send({ kind: 'error', error: String(error?.stack ?? error) }),
})

async function reportState() {
  for (let round = 0; round < ROUNDS; round += 1) {
    globalThis.gc()
    await pause(50)
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  process.send({ kind: 'state', heapUsed, external, rss })
}

process.on('message', () => void reportState())
process.on('disconnect', () => process.exit(1))
process.send({ kind: 'ready', url, apiBaseUrl, accountId, token })
