/** Port: the order in which operations read pages of uploads. Adapters share the process between callers. */

export interface PageTurns {
  /**
   * Resolves when the caller may read pages, with the function that it calls once when its operation has ended.
   * @param entries maximum number of uploads that the operation reads
   */
  readonly enter: (caller: string, entries: number) => Promise<() => void>
  /** Resolves when the caller may read or use another page. Callers take turns, a few milliseconds per tick. */
  readonly next: (caller: string) => Promise<void>
}
