/** How much one operation may read and return: a page of a list is small, and fifty of them are not. */
import { GraphQLError } from 'graphql'
import { COUNT_LIMIT } from '../store/store.ts'

/** Uploads in lists, and metas of uploads, of one operation together. */
export const MOST_ENTRIES = 1000

/** Counts of lists with times in one operation: each examines up to COUNT_LIMIT uploads. */
export const MOST_COUNTS = 10

/** What is left of both to one operation. */
export interface Allowance {
  /** Takes so many entries. Throws where there are not so many left. */
  take(entries: number): void
  /** Takes one count that examines uploads one by one. Throws where there is none left. */
  takeCount(): void
  /** A subscription answers anew with each event. */
  renew(): void
}

export function createAllowance(): Allowance {
  let left = MOST_ENTRIES
  let countsLeft = MOST_COUNTS
  return {
    take(entries) {
      left -= entries
      if (left >= 0) return
      throw tooMuchAsked(
        `One operation may answer with ${MOST_ENTRIES} uploads, and with as many metas: ask for smaller pages.`,
      )
    },
    takeCount() {
      countsLeft -= 1
      if (countsLeft >= 0) return
      throw tooMuchAsked(
        `One operation may ask ${MOST_COUNTS} times for the \`totalCount\` of a list with \`createdAfter\` or \`createdBefore\`, which counts up to ${COUNT_LIMIT} uploads each time: send the others in another operation.`,
      )
    },
    renew() {
      left = MOST_ENTRIES
      countsLeft = MOST_COUNTS
    },
  }
}

function tooMuchAsked(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'TOO_MUCH_ASKED' } })
}
