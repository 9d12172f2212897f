/** Checks text of callers for halves of surrogate pairs, which UTF-8 cannot represent. */

/** The rule, as the end of a sentence. */
export const WELL_FORMED_RULE = 'must be well-formed Unicode, without single surrogates.'

/**
 * Whether every text and key in the value is well-formed. Other text would differ between the gateway, its
 * database and Stream. `String.prototype.isWellFormed` is not in TypeScript's ES2023.
 */
export function isWellFormed(value: unknown): boolean {
  let wellFormed = true
  JSON.stringify(value, (key: string, entry: unknown) => {
    const text = typeof entry === 'string' ? key + entry : key
    if (/\p{Surrogate}/u.test(text)) wellFormed = false
    return entry
  })
  return wellFormed
}
