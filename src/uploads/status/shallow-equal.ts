/** Whether two records say the same, fact by fact: asked of every piece of evidence, and so cheap. */

type Fact = string | number | Date | null

/** Equal in every fact, or both absent. Both have the same fields, whatever their order. */
export function sameFacts<T extends Readonly<Record<keyof T, Fact>>>(
  a: T | null,
  b: T | null,
): boolean {
  if (a === b) return true
  if (a === null || b === null) return false
  for (const name in a) if (!sameFact(a[name], b[name])) return false
  return true
}

/** Moments are equal by their time, whatever objects they are. */
export function sameFact(a: Fact, b: Fact): boolean {
  return a === b || (a instanceof Date && b instanceof Date && a.getTime() === b.getTime())
}
