/** Calls of the Workers binding: each with its own time limit, each able to be given up. */
import { type BoundCall, bindingTrouble, late, saysAbsent } from './binding-errors.ts'

/**
 * Waits for the binding's answer, as long as the call may take.
 *
 * @throws StreamError where there is no answer, or a refusal.
 * @throws the caller's own abort reason, as it is. The binding itself cannot be stopped: what was
 * sent may still be done.
 */
export async function callBinding<Answer>(
  call: BoundCall,
  work: () => Promise<Answer>,
  signal?: AbortSignal,
): Promise<Answer> {
  signal?.throwIfAborted()
  const stopper = new AbortController()
  const abort = () => stopper.abort(signal?.reason)
  const timer = setTimeout(() => stopper.abort(late(call)), call.timeoutMs)
  signal?.addEventListener('abort', abort, { once: true })
  const stopped = new Promise<never>((_resolve, reject) => {
    stopper.signal.addEventListener('abort', () => reject(stopper.signal.reason), { once: true })
  })
  try {
    return await Promise.race([stopped, attempt()])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }

  async function attempt(): Promise<Answer> {
    try {
      return await work()
    } catch (error) {
      throw bindingTrouble(error, call)
    }
  }
}

/** The same for one video that may not be there: null then. */
export function callAfter<Answer>(
  call: BoundCall,
  work: () => Promise<Answer>,
  signal?: AbortSignal,
): Promise<{ readonly answer: Answer } | null> {
  return callBinding(
    call,
    async () => {
      try {
        return { answer: await work() }
      } catch (error) {
        if (saysAbsent(error)) return null
        throw error
      }
    },
    signal,
  )
}
