/** Reads the configuration of a command; handles shutdown signals. */
import type { ConfigResult } from '../config/base-config.ts'

/**
 * Returns the configuration; null if it has errors, which are written to standard error.
 * @param warn called with each warning of a valid configuration. @default writes to standard error
 */
export function readConfigOrReport<T>(
  read: (environment: NodeJS.ProcessEnv) => ConfigResult<T>,
  warn: (warning: string) => void = writeWarning,
): T | null {
  const outcome = read(process.env)
  if (outcome.kind === 'config') {
    for (const warning of outcome.warnings) warn(warning)
    return outcome.config
  }
  process.stderr.write('headgate: invalid configuration:\n')
  for (const sentence of [...outcome.errors, ...outcome.warnings]) {
    process.stderr.write(`  ${sentence}\n`)
  }
  return null
}

function writeWarning(warning: string): void {
  process.stderr.write(`headgate: ${warning}\n`)
}

/**
 * Signals within this time (ms) are one: on Ctrl-C, the terminal sends one to each process, and npm forwards
 * its own.
 */
const REPEATED_WITHIN_MS = 500

/** Resolves on SIGINT (Ctrl-C) or SIGTERM. A later signal of the same kind exits immediately with code 1. */
export function untilShutdownSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      let receivedAt: number | null = null
      process.on(signal, () => {
        receivedAt ??= performance.now()
        if (performance.now() - receivedAt > REPEATED_WITHIN_MS) process.exit(1)
        resolve()
      })
    }
  })
}
