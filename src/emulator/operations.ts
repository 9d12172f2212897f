/** Operations that the emulator counts, and for which faults can be planned. */

export const OPERATIONS = [
  'direct_upload',
  'tus_create',
  'details',
  'list',
  'update',
  'delete',
  'storage_usage',
  'token',
  'embed',
  'keys',
  'watermarks',
  'webhook',
  'upload',
  'tus_patch',
  'tus_head',
] as const
/** `upload` is the multipart POST; `webhook` is a request to the API's webhook routes. */
export type Operation = (typeof OPERATIONS)[number]

/** Requests per operation since start or the last reset, including those with a fault. */
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
