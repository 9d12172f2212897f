/** How much one operation may answer with: a page of a list is small, and fifty of them are not. */
import { GraphQLError } from 'graphql'

/** Uploads in lists, and metas of uploads, of one operation together. */
export const MOST_ENTRIES = 1000

/** What is left of it to one operation. */
export interface Allowance {
  /** Takes so many entries. Throws where there are not so many left. */
  take(entries: number): void
  /** A subscription answers anew with each event. */
  renew(): void
}

export function createAllowance(): Allowance {
  let left = MOST_ENTRIES
  return {
    take(entries) {
      left -= entries
      if (left >= 0) return
      throw new GraphQLError(
        `One operation may answer with ${MOST_ENTRIES} uploads, and with as many metas: ask for smaller pages.`,
        { extensions: { code: 'TOO_MUCH_ASKED' } },
      )
    },
    renew() {
      left = MOST_ENTRIES
    },
  }
}
