/** Timeouts of requests. The returned functions stop them. */
import type { TransportRequest } from './transport.ts'

/** Starts the timeout of a request. */
export function startTimeout(
  { timeoutMs, deadlines }: TransportRequest,
  onExpired: () => void,
): () => void {
  return deadlines === undefined ? startTimer(timeoutMs, onExpired) : deadlines.start(onExpired)
}

export function startTimer(milliseconds: number, onExpired: () => void): () => void {
  const timer = setTimeout(onExpired, milliseconds)
  return () => clearTimeout(timer)
}
