/** Storages for unfinished uploads. */

/** String storage by key, like the Web Storage API or an asynchronous equivalent. */
export interface UploadStorage {
  getItem(key: string): string | null | Promise<string | null>
  setItem(key: string, value: string): void | Promise<void>
  removeItem(key: string): void | Promise<void>
  /** Returns every key of the storage; the client ignores keys of other applications. */
  keys(): readonly string[] | Promise<readonly string[]>
}

/** Creates a storage that lasts as long as the page or the process. */
export function createMemoryStorage(): UploadStorage {
  const items = new Map<string, string>()
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
    keys: () => [...items.keys()],
  }
}

/** Creates a storage over localStorage; in memory where localStorage is missing or forbidden. */
export function createDefaultStorage(): UploadStorage {
  const local = openLocalStorage()
  if (local === null) return createMemoryStorage()
  return {
    getItem: (key) => local.getItem(key),
    setItem: (key, value) => local.setItem(key, value),
    removeItem: (key) => local.removeItem(key),
    keys: () =>
      Array.from({ length: local.length }, (_none, index) => local.key(index)).filter(
        (key) => key !== null,
      ),
  }
}

/** Returns null in Node, because reading the global may warn, and if the browser forbids access. */
function openLocalStorage(): Storage | null {
  if (typeof window === 'undefined') return null
  try {
    return window.localStorage
  } catch {
    return null
  }
}
