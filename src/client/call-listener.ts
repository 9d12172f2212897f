/** Calls listeners of the application, whose errors must not stop the client. */

/** Calls the listener. Reports an error that it throws as uncaught, as DOM events do, and returns. */
export function callListener<Args extends readonly unknown[]>(
  listener: (...args: Args) => void,
  ...args: Args
): void {
  try {
    listener(...args)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
