/** The operations that the emulator counts, and those that a fault may be planned for. */

export const OPERATIONS = [
  'direct_upload',
  'tus_create',
  'details',
  'list',
  'update',
  'delete',
  'storage_usage',
  'webhook',
  'upload',
  'tus_patch',
  'tus_head',
] as const
/** `upload` is the multipart POST; `webhook` is a call of the API's webhook routes. */
export type Operation = (typeof OPERATIONS)[number]

/** How often each operation was asked for since the start or the last reset; faulty ones count. */
export class RequestCounts {
  readonly #counts = new Map<Operation, number>()

  add(operation: Operation): void {
    this.#counts.set(operation, (this.#counts.get(operation) ?? 0) + 1)
  }

  clear(): void {
    this.#counts.clear()
  }

  toJSON(): Record<string, number> {
    return Object.fromEntries(OPERATIONS.map((name) => [name, this.#counts.get(name) ?? 0]))
  }
}
