/** Reference counts by key; keys without references are deleted. */

/** Adds a reference to the key and returns an idempotent function that removes it. */
export function addReference<K>(counts: Map<K, number>, key: K): () => void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
  let counted = true
  return () => {
    if (!counted) return
    counted = false
    const remaining = (counts.get(key) ?? 1) - 1
    if (remaining === 0) counts.delete(key)
    else counts.set(key, remaining)
  }
}
