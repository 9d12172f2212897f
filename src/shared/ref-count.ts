/** Counts what is under way by key, and forgets keys of which nothing is. */

/** Counts one more under the key, until what comes back is called. */
export function countOne(counts: Map<string, number>, key: string): () => void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
  let counted = true
  return () => {
    if (!counted) return
    counted = false
    const left = (counts.get(key) ?? 1) - 1
    if (left === 0) counts.delete(key)
    else counts.set(key, left)
  }
}
