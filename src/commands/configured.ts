/** Reads the configuration for a command, and tells all mistakes at once. */
import type { ConfigOutcome } from '../portable-config.ts'

/** Null where there are mistakes: they have been written to standard error. */
export function configured<T>(
  read: (environment: NodeJS.ProcessEnv) => ConfigOutcome<T>,
): T | null {
  const outcome = read(process.env)
  if (outcome.kind === 'config') return outcome.config
  process.stderr.write('headgate cannot start as it is configured:\n')
  for (const mistake of outcome.mistakes) process.stderr.write(`  ${mistake}\n`)
  return null
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
