/** Counts the bytes of stored files per video, and limits their sum: whoever has an upload URL may fill it. */

/** The stored files would exceed their maximum. */
export class StoredBytesExceeded extends Error {
  override readonly name = 'StoredBytesExceeded'

  constructor(maxBytes: number) {
    super(
      `The emulator stores ${maxBytes} bytes at most. Delete videos, or raise EMULATOR_DISK_BYTES (option diskBytes).`,
    )
  }
}

export class StoredBytes {
  readonly #maxBytes: number
  /** By uid. Videos without bytes have no entry. */
  readonly #bytes = new Map<string, number>()
  #total = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Returns the bytes of a video. */
  of(uid: string): number {
    return this.#bytes.get(uid) ?? 0
  }

  /** Uids of the videos that have bytes. */
  uids(): readonly string[] {
    return [...this.#bytes.keys()]
  }

  /** Must be called before the bytes are written. Throws StoredBytesExceeded if they would exceed the maximum. */
  add(uid: string, bytes: number): void {
    if (this.#total + bytes > this.#maxBytes) throw new StoredBytesExceeded(this.#maxBytes)
    this.set(uid, this.of(uid) + bytes)
  }

  /** Replaces the bytes of a video, above the maximum too: they are on the disk already. */
  set(uid: string, bytes: number): void {
    this.#total += bytes - this.of(uid)
    if (bytes === 0) this.#bytes.delete(uid)
    else this.#bytes.set(uid, bytes)
  }
}
