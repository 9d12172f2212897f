/** Port: the order in which operations read pages of uploads. Adapters share the process between callers. */

export interface PageTurns {
  /** Resolves when the caller may read several pages, with the function that it calls once when it has ended. */
  readonly enter: (caller: string) => Promise<() => void>
  /** Resolves when the caller may read another page. Callers take turns, a few milliseconds per tick. */
  readonly next: (caller: string) => Promise<void>
}
