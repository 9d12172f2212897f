/** JSON text, or a promise of it. */
export type JsonText = string | Promise<string>

/** Concatenates all pieces in order when all promises have resolved. */
export async function joinWhenReady(pieces: readonly JsonText[], end: string): Promise<string> {
  const [head = '', text, ...others] = pieces
  // Shortcut for the most common case: one promise.
  if (others.length === 0 && typeof head === 'string') return head + ((await text) ?? '') + end
  // oxlint-disable-next-line typescript/await-thenable -- some of it is there already
  const texts = await Promise.all(pieces)
  return texts.join('') + end
}

/** Handles rejections of promises that are no longer awaited, which would otherwise be unhandled. */
export function ignoreRejections(pieces: readonly JsonText[]): void {
  for (const piece of pieces) if (typeof piece !== 'string') piece.catch(() => undefined)
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}
