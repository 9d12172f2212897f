/** Says why something failed in words that hold no address, no header and no answer. */

/** How far down the chain of causes one looks. */
const MOST_CAUSES = 5

/** Names and codes down the chain, outermost first: "TypeError", "ECONNRESET". */
export function nameCauses(error: unknown): string[] {
  const names: string[] = []
  let current = error
  for (let depth = 0; depth < MOST_CAUSES && current instanceof Error; depth += 1) {
    const code = 'code' in current && typeof current.code === 'string' ? current.code : current.name
    if (/^\w{1,60}$/.test(code)) names.push(code)
    current = current.cause
  }
  return names
}
