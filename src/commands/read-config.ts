/** Reads the configuration for a command, and tells all mistakes at once. */
import type { ConfigOutcome } from '../config/base-config.ts'

/**
 * Null where there are mistakes: they have been written to standard error.
 * @param warn takes each warning of a configuration without mistakes. @default to standard error
 */
export function configured<T>(
  read: (environment: NodeJS.ProcessEnv) => ConfigOutcome<T>,
  warn: (warning: string) => void = writeWarning,
): T | null {
  const outcome = read(process.env)
  if (outcome.kind === 'config') {
    for (const warning of outcome.warnings) warn(warning)
    return outcome.config
  }
  process.stderr.write('headgate cannot start as it is configured:\n')
  for (const sentence of [...outcome.mistakes, ...outcome.warnings]) {
    process.stderr.write(`  ${sentence}\n`)
  }
  return null
}

function writeWarning(warning: string): void {
  process.stderr.write(`headgate: ${warning}\n`)
}

/** Resolves when the process is asked to end: Ctrl-C, or SIGTERM. A second time ends it at once. */
export function asked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(1))
        resolve()
      })
    }
  })
}
