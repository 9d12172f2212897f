/** Text that may still be on its way. */
export type Text = string | Promise<string>

/** All of it in order, once it is all there. */
export async function joinLater(parts: readonly Text[], end: string): Promise<string> {
  const [head = '', text, ...others] = parts
  // By far the most wait for one field.
  if (others.length === 0 && typeof head === 'string') return head + ((await text) ?? '') + end
  // oxlint-disable-next-line typescript/await-thenable -- some of it is there already
  const texts = await Promise.all(parts)
  return texts.join('') + end
}

/** Nobody waits for these any more: what becomes of them is nobody's error. */
export function abandon(parts: readonly Text[]): void {
  for (const part of parts) if (typeof part !== 'string') part.catch(() => undefined)
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}
