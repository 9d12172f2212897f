/** Visibility of the page. Where there is no page, as in Node and React Native, it always counts as visible. */
import type { ClientClock } from '../clock.ts'

/** Resolves when the page is visible, or on abort. */
export function untilVisible(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (isHidden() && !signal.aborted) return
      removeListener(check)
      signal.removeEventListener('abort', check)
      resolve()
    }
    addListener(check)
    signal.addEventListener('abort', check)
    check()
  })
}

/** Calls back when the page was hidden for so many milliseconds; returns a function that stops the check. */
export function whenHiddenFor(
  clock: ClientClock,
  milliseconds: number,
  callback: () => void,
): () => void {
  const stopped = new AbortController()
  const check = async (): Promise<void> => {
    if (!isHidden()) return
    await clock.wait(milliseconds, stopped.signal)
    if (!stopped.signal.aborted && isHidden()) callback()
  }
  const onChange = (): void => void check()
  addListener(onChange)
  return () => {
    stopped.abort()
    removeListener(onChange)
  }
}

function isHidden(): boolean {
  return typeof document !== 'undefined' && document.visibilityState === 'hidden'
}

function addListener(listener: () => void): void {
  if (typeof document !== 'undefined') document.addEventListener('visibilitychange', listener)
}

function removeListener(listener: () => void): void {
  if (typeof document !== 'undefined') document.removeEventListener('visibilitychange', listener)
}
