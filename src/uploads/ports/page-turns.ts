/** Port: the order in which operations read pages of uploads. Adapters share the process between callers. */

export interface PageTurns {
  /**
   * Resolves when an operation of the caller may read its pages.
   * @param entries maximum number of uploads that it reads
   */
  readonly enter: (caller: string, entries: number) => Promise<PagesPlace>
  /** Resolves when the caller may read or use another page. Callers take turns, a few milliseconds per tick. */
  readonly next: (caller: string) => Promise<void>
}

/** The place of an operation among those that read pages. */
export interface PagesPlace {
  /** Must be called when all pages have been read: other callers need not wait for what the operation does then. */
  endReading(): void
  /** Must be called once, when the operation has ended. Until then, its result counts for the limits of its caller. */
  end(): void
}
