/** Observable value, shared by components. */
import { useEffect, useState } from 'preact/hooks'

export interface Store<T> {
  readonly get: () => T
  /** Returns the unsubscribe function. */
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

/** Returns the current value and renders the component again when it changes. */
export function useStore<T>(store: Store<T>): T {
  const [shown, setShown] = useState<{ readonly store: Store<T>; readonly value: T }>({
    store,
    value: store.get(),
  })
  useEffect(() => {
    const update = (): void => setShown({ store, value: store.get() })
    // The value may have changed between render and subscription.
    update()
    return store.subscribe(update)
  }, [store])
  return shown.store === store ? shown.value : store.get()
}
