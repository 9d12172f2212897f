/** Sources that components share: equal ones of one client run once. */
import type { ComponentSource, Source } from './source.ts'

/**
 * How long a source stays open without a component, in milliseconds. StrictMode and a change of the route unmount a
 * component, and mount it or an equal one again.
 */
export const LINGER_MS = 1000

/** Open sources, by key. */
export type OpenSources<S> = Map<string, { readonly source: S; users: number }>

/**
 * Returns a source that opens the one with this key when it gets a listener, unless it is open. Its snapshot is
 * `initial` while none is open, so that rendering has no effect.
 */
export function shareSource<T, Args extends readonly unknown[], S extends Source<T, Args>>(
  open: OpenSources<S>,
  key: string,
  initial: T,
  create: () => S & Source<T, Args>,
): ComponentSource<T, Args> {
  return {
    getSnapshot: () => open.get(key)?.source.getSnapshot() ?? initial,
    getServerSnapshot: () => initial,
    subscribe(listener) {
      const entry = open.get(key) ?? { source: create(), users: 0 }
      open.set(key, entry)
      entry.users += 1
      const stop = entry.source.subscribe(listener)
      return () => {
        const close = entry.source.subscribe(() => {})
        stop()
        setTimeout(() => {
          close()
          entry.users -= 1
          if (entry.users === 0) open.delete(key)
        }, LINGER_MS)
      }
    },
  }
}
