/** Shallow comparison of records. Called for every observation, so it must be cheap. */

type FieldValue = string | number | Date | null

/** True if all fields are equal or both records are null. Both must have the same fields, in any order. */
export function shallowEqual<T extends Readonly<Record<keyof T, FieldValue>>>(
  a: T | null,
  b: T | null,
): boolean {
  if (a === b) return true
  if (a === null || b === null) return false
  for (const name in a) if (!valuesEqual(a[name], b[name])) return false
  return true
}

/** Compares dates by time and everything else by identity. */
export function valuesEqual(a: FieldValue, b: FieldValue): boolean {
  return a === b || (a instanceof Date && b instanceof Date && a.getTime() === b.getTime())
}
