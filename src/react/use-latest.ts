/** Hook: the value of the latest render, for functions that keep their identity. */
import { useInsertionEffect, useRef } from 'react'

/** Returns a ref whose value is set before the effects and event handlers of the render run. */
export function useLatest<T>(value: T): { readonly current: T } {
  const latest = useRef(value)
  useInsertionEffect(() => {
    latest.current = value
  })
  return latest
}
