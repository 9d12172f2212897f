/** An answer as Node writes it at once, without a web Response around it: what the fast lanes give. */

export interface PreparedAnswer {
  readonly status: number
  /** Names and values in turn; one list for many answers, without what each has of its own. */
  readonly headers: readonly string[]
  readonly text: string
}
