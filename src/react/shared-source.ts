/** Sources that components share: equal ones of one client run once. */
import type { Source } from './source.ts'

/**
 * How long a source stays open without a component, in milliseconds. StrictMode, a new route and a Suspense boundary
 * unmount a component and mount it again.
 */
const LINGER_MS = 1000

/** Open sources, by key. */
export type OpenSources<S> = Map<string, { readonly source: S; users: number }>

/**
 * Returns a source that opens the one with this key when it gets a listener, unless it is open. While none is
 * open, its snapshot is `initial`; nothing happens during the render.
 */
export function shareSource<T, S extends Source<T>>(
  open: OpenSources<S>,
  key: string,
  initial: T,
  create: () => S,
): Source<T> {
  return {
    getSnapshot: () => open.get(key)?.source.getSnapshot() ?? initial,
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
