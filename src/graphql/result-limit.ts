/** How much one operation may read and return: a page of a list is small, and fifty of them are not. */
import { GraphQLError } from 'graphql'
import { COUNT_LIMIT } from '../uploads/ports/upload-store.ts'

/** Uploads in lists, and metas of uploads, of one operation together. */
export const MOST_ENTRIES = 1000

/** Sizes of all pages of one operation together: so many uploads are read, whatever is shown of them. */
export const MOST_READ = 1000

/** Counts of lists with times in one operation: each examines up to COUNT_LIMIT uploads. */
export const MOST_COUNTS = 10

/** What is left of each to one operation. */
export interface Allowance {
  /** Takes so many entries. Throws where there are not so many left. */
  take(entries: number): void
  /** Takes a page before it is read. Throws where there is no room for its size. */
  takePage(size: number): void
  /** Takes one count that examines uploads one by one. Throws where there is none left. */
  takeCount(): void
  /** A subscription answers anew with each event. */
  renew(): void
}

export function createAllowance(): Allowance {
  const entries = createBudget(
    MOST_ENTRIES,
    `One operation may answer with ${MOST_ENTRIES} uploads, and with as many metas: ask for smaller pages.`,
  )
  const pages = createBudget(
    MOST_READ,
    `The pages of one operation may have ${MOST_READ} uploads together, by \`first\` or \`last\`: ask for smaller pages, or for fewer.`,
  )
  const counts = createBudget(
    MOST_COUNTS,
    `One operation may ask ${MOST_COUNTS} times for the \`totalCount\` of a list with \`createdAfter\` or \`createdBefore\`, which counts up to ${COUNT_LIMIT} uploads each time: send the others in another operation.`,
  )
  return {
    take: (amount) => entries.take(amount),
    takePage: (size) => pages.take(size),
    takeCount: () => counts.take(1),
    renew() {
      for (const budget of [entries, pages, counts]) budget.renew()
    },
  }
}

interface Budget {
  /** Throws where there are not so many left. */
  take(amount: number): void
  renew(): void
}

function createBudget(most: number, message: string): Budget {
  let left = most
  return {
    take(amount) {
      left -= amount
      if (left < 0) throw new GraphQLError(message, { extensions: { code: 'TOO_MUCH_ASKED' } })
    },
    renew() {
      left = most
    },
  }
}
