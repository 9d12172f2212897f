/** Values that change over time, for `useSyncExternalStore`. */
import { useSyncExternalStore } from 'react'

/** A value that listeners are told about. `getSnapshot` returns the same object until it changes. */
export interface Source<T, Args extends readonly unknown[] = []> {
  readonly getSnapshot: () => T
  /** Returns the function that removes the listener. */
  readonly subscribe: (listener: (...args: Args) => void) => () => void
}

/** A source for components. */
export interface ComponentSource<T, Args extends readonly unknown[] = []> extends Source<T, Args> {
  /** Returns the value on a server, and in the render that hydrates its HTML. */
  readonly getServerSnapshot: () => T
}

/** Hook: the value of a source. */
export function useSource<T>(source: ComponentSource<T>): T {
  return useSyncExternalStore(source.subscribe, source.getSnapshot, source.getServerSnapshot)
}

/**
 * Creates a source that runs while it has listeners.
 * @param start begins to produce values, and returns the function that stops it
 */
export function createSource<T>(
  initial: T,
  start: (set: (value: T) => void) => () => void,
): Source<T> {
  const listeners = new Set<() => void>()
  let value = initial
  let stop: (() => void) | null = null
  return {
    getSnapshot: () => value,
    subscribe(listener) {
      // A wrapper, so that the same function can be subscribed twice.
      const ownListener = (): void => listener()
      listeners.add(ownListener)
      stop ??= start((next) => {
        value = next
        for (const each of listeners) each()
      })
      return () => {
        listeners.delete(ownListener)
        if (listeners.size > 0) return
        stop?.()
        stop = null
      }
    },
  }
}

/** Returns a source whose value never changes. */
export function constantSource<T>(value: T): ComponentSource<T> {
  const getValue = (): T => value
  return { getSnapshot: getValue, getServerSnapshot: getValue, subscribe: () => () => {} }
}
