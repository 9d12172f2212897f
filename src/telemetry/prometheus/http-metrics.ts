/** Counts what the doors answered. Counted with every request, so in plain numbers until a scrape. */
import { Counter, type Registry } from 'prom-client'

/** Requests to a path at which there is no door. */
const NO_DOOR = 'none'
/** Those that the doors take; a client may send any word. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'OPTIONS'])

/** Counts one answer of a door, by its path; null for a path without one. */
export function createAnswerCounts(
  registry: Registry,
): (door: string | null, method: string, status: number) => void {
  /** By door and method, then by status. */
  const counts = new Map<string, Map<string, Map<number, number>>>()

  const answers = new Counter({
    name: 'headgate_http_responses_total',
    help: 'Answers of the HTTP doors.',
    labelNames: ['door', 'method', 'code'],
    registers: [],
    collect() {
      this.reset()
      for (const [door, methods] of counts) {
        for (const [method, codes] of methods) {
          for (const [code, count] of codes) this.inc({ door, method, code }, count)
        }
      }
    },
  })
  registry.registerMetric(answers)

  function codesOf(door: string, method: string): Map<number, number> {
    const known = counts.get(door)?.get(method)
    if (known !== undefined) return known
    const codes = new Map<number, number>()
    const methods = counts.get(door) ?? new Map<string, Map<number, number>>()
    counts.set(door, methods.set(method, codes))
    return codes
  }

  return (door, method, status) => {
    const codes = codesOf(door ?? NO_DOOR, METHODS.has(method) ? method : 'other')
    codes.set(status, (codes.get(status) ?? 0) + 1)
  }
}
