/** Where uploads are remembered over a reload. */

/** Strings by key, as the Web Storage API and its asynchronous kin keep them. */
export interface UploadStorage {
  getItem(key: string): string | null | Promise<string | null>
  setItem(key: string, value: string): void | Promise<void>
  removeItem(key: string): void | Promise<void>
  /** Every key; those of others are left alone. */
  keys(): readonly string[] | Promise<readonly string[]>
}

/** Forgets with the page, or the process. */
export function createMemoryStorage(): UploadStorage {
  const items = new Map<string, string>()
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
    keys: () => [...items.keys()],
  }
}

/** The browser's localStorage; memory where there is none, or the person has forbidden it. */
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

/** Null in Node, where reading the global may even warn, and where the browser forbids it. */
function openLocalStorage(): Storage | null {
  if (typeof window === 'undefined') return null
  try {
    return window.localStorage
  } catch {
    return null
  }
}
