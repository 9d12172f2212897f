/** Deadlines by a timer each: what Workers open belongs to one request, and a timer for all would end with the first. */
import type { Deadlines } from '../http/graphql/plugins/deadlines.ts'

export function createTimers(milliseconds: number): Deadlines {
  return {
    begin(late) {
      const timer = setTimeout(late, milliseconds)
      return () => clearTimeout(timer)
    },
  }
}
