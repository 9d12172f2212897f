/** Calls the Workers binding with a timeout and an abort signal. */
import { type BindingCall, toStreamError, timeoutError, isNotFound } from './binding-errors.ts'

/**
 * Returns the binding's response.
 *
 * @throws StreamError on timeout, without a response, or for an error response.
 * @throws the caller's abort reason, unchanged. The binding cannot be aborted: the call may still
 * succeed.
 */
export async function callBinding<Result>(
  call: BindingCall,
  work: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  signal?.throwIfAborted()
  const abortController = new AbortController()
  const abort = () => abortController.abort(signal?.reason)
  const timer = setTimeout(() => abortController.abort(timeoutError(call)), call.timeoutMs)
  signal?.addEventListener('abort', abort, { once: true })
  const stopped = new Promise<never>((_resolve, reject) => {
    abortController.signal.addEventListener('abort', () => reject(abortController.signal.reason), {
      once: true,
    })
  })
  try {
    return await Promise.race([stopped, attempt()])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }

  async function attempt(): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      throw toStreamError(error, call)
    }
  }
}

/** Like `callBinding` for one video; returns null if the video does not exist. */
export function callOrNotFound<Result>(
  call: BindingCall,
  work: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<{ readonly result: Result } | null> {
  return callBinding(
    call,
    async () => {
      try {
        return { result: await work() }
      } catch (error) {
        if (isNotFound(error)) return null
        throw error
      }
    },
    signal,
  )
}
