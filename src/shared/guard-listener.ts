/** Wraps event listeners and timer callbacks so that their errors cannot end the process. */
import type { Logger } from './logger.ts'

export type Guard = <Args extends readonly unknown[]>(
  listener: (...args: Args) => void,
) => (...args: Args) => void

/**
 * Returns a wrapper for the listeners of one connection. An error in a listener would be an uncaught exception,
 * which ends the process and all other connections. The wrapper logs it and calls `end` for this connection.
 */
export function createGuard(log: Pick<Logger, 'error'>, end: () => void): Guard {
  return (listener) =>
    (...args) => {
      try {
        listener(...args)
      } catch (error) {
        log.error({ err: error }, 'unexpected error')
        end()
      }
    }
}
