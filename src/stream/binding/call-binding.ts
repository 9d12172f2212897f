/** Calls the Workers binding with a timeout and an abort signal. */
import { type BindingCall, toStreamError, timeoutError, isNotFound } from './binding-errors.ts'

/**
 * Returns the binding's response.
 *
 * @throws StreamError on timeout, without a response, or for an error response.
 * @throws the caller's abort reason, unchanged. The binding cannot be aborted: the call may still
 * succeed.
 */
export async function callBinding<Answer>(
  call: BindingCall,
  work: () => Promise<Answer>,
  signal?: AbortSignal,
): Promise<Answer> {
  signal?.throwIfAborted()
  const stopper = new AbortController()
  const abort = () => stopper.abort(signal?.reason)
  const timer = setTimeout(() => stopper.abort(timeoutError(call)), call.timeoutMs)
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
      throw toStreamError(error, call)
    }
  }
}

/** Like `callBinding` for one video; returns null if the video does not exist. */
export function callOrNotFound<Answer>(
  call: BindingCall,
  work: () => Promise<Answer>,
  signal?: AbortSignal,
): Promise<{ readonly answer: Answer } | null> {
  return callBinding(
    call,
    async () => {
      try {
        return { answer: await work() }
      } catch (error) {
        if (isNotFound(error)) return null
        throw error
      }
    },
    signal,
  )
}
