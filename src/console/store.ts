/** A value that changes, and those who are told: what the page's parts share. */
import { useEffect, useState } from 'preact/hooks'

export interface Store<T> {
  readonly get: () => T
  /** Returns how to stop listening. */
  readonly subscribe: (listener: () => void) => () => void
}

export interface WritableStore<T> extends Store<T> {
  readonly set: (value: T) => void
}

export function createStore<T>(initial: T): WritableStore<T> {
  let value = initial
  const listeners = new Set<() => void>()
  return {
    get: () => value,
    set(next) {
      if (Object.is(value, next)) return
      value = next
      for (const listener of listeners) listener()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** The value as of now; the component is drawn again when it changes. */
export function useStore<T>(store: Store<T>): T {
  const [shown, setShown] = useState<{ readonly store: Store<T>; readonly value: T }>({
    store,
    value: store.get(),
  })
  useEffect(() => {
    const show = (): void => setShown({ store, value: store.get() })
    // It may have changed between drawing and listening.
    show()
    return store.subscribe(show)
  }, [store])
  return shown.store === store ? shown.value : store.get()
}
