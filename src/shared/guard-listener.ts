/** Event listeners and timer callbacks that cannot end the process. */
import type { Log } from '../uploads/dependencies.ts'

export type Guard = <Args extends readonly unknown[]>(
  listener: (...args: Args) => void,
) => (...args: Args) => void

/**
 * Returns what wraps listeners of one connection. What a listener throws would be an uncaught exception,
 * which ends the process and every other connection: it is logged, and `end` ends this connection.
 */
export function createGuard(log: Pick<Log, 'error'>, end: () => void): Guard {
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
