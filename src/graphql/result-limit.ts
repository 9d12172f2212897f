/** Limits the entries and characters of one operation: each page is small, but an operation may have fifty pages. */
import { GraphQLError, type GraphQLResolveInfo, responsePathAsArray } from 'graphql'
import { COUNT_LIMIT } from '../uploads/ports/upload-store.ts'

/** Maximum uploads in lists per operation. Maximum metas per operation as well. */
export const MAX_RESULT_ENTRIES = 1000

/** Maximum sum of the page sizes of one operation. Pages are read regardless of the selected fields. */
export const MAX_PAGE_ENTRIES = 1000

/** Maximum counts by creation time per operation: each examines up to COUNT_LIMIT uploads. */
export const MAX_COUNTS = 10

/** Maximum total characters of the values in one result whose length a client or Stream determines. */
export const MAX_CHARACTERS = 4_000_000

/** Maximum playback addresses with a token per operation: each may cost a signature or a request to Stream. */
export const MAX_PLAYBACK_TOKENS = 100

/** Maximum inputs of all `createUploads` of one operation: twice as many uploads as aliases could create. */
export const MAX_CREATIONS = 100

/** Maximum field errors per operation, besides the one that names the limit. */
export const MAX_FIELD_ERRORS = 50

/** The remaining limits of one operation. */
export interface ResultLimit {
  /** Consumes entries of the result. Throws if too few remain. */
  consume(entries: number): void
  /** Consumes the size of a page. Must be called before the page is read. Throws if too little remains. */
  consumePage(size: number): void
  /** Consumes one count of uploads without a stored total. Throws if none remains. */
  consumeCount(): void
  /**
   * Consumes one playback token, before it is created. Throws for the first over the limit, and returns false
   * for all further: an error for each would make the result larger.
   */
  consumePlaybackToken(): boolean
  /** Consumes inputs of `createUploads`, before the first is created. Throws if too few remain. */
  consumeCreations(count: number): void
  /** Consumes characters of the result. Throws if too few remain. */
  consumeCharacters(count: number): void
  /** Whether `consumeCharacters` has thrown. */
  isOutOfCharacters(): boolean
  /** Consumes one field error and returns it. Returns `tooManyErrors` if none remains. */
  consumeError(error: unknown, info: Pick<GraphQLResolveInfo, 'fieldNodes' | 'path'>): unknown
  /** Returns the error that names the limit, always the same object; null until a field had one too many. */
  tooManyErrors(): GraphQLError | null
  /** Restores all limits, for the next event of a subscription: the limits apply to each event separately. */
  reset(): void
}

export function createResultLimit(): ResultLimit {
  const entries = createBudget(
    MAX_RESULT_ENTRIES,
    `Result too large (limit: ${MAX_RESULT_ENTRIES} uploads, and as many metas, per operation). Request smaller pages.`,
  )
  const pages = createBudget(
    MAX_PAGE_ENTRIES,
    `Pages too large (limit: ${MAX_PAGE_ENTRIES} uploads per operation, by \`first\` or \`last\`). Request smaller or fewer pages.`,
  )
  const counts = createBudget(
    MAX_COUNTS,
    `Too many counts (limit: ${MAX_COUNTS} per operation, for \`totalCount\` with \`createdAfter\` or \`createdBefore\`; each counts up to ${COUNT_LIMIT} uploads). Send the others in another operation.`,
  )
  const playbackTokens = createBudget(
    MAX_PLAYBACK_TOKENS,
    `Too many playback tokens (limit: ${MAX_PLAYBACK_TOKENS} private videos per operation). The first exceeding field is an error, all further are null.`,
  )
  const creations = createBudget(
    MAX_CREATIONS,
    `Too many uploads (limit: ${MAX_CREATIONS} inputs of \`createUploads\` per operation). Create the others by another operation.`,
  )
  const characters = createBudget(
    MAX_CHARACTERS,
    `Result too large (limit: ${MAX_CHARACTERS} characters of metas, names, origins, URLs, messages and status changes per operation). Nullable fields are null beyond it. Select fewer uploads, fields or aliases.`,
  )
  let errors = 0
  let tooManyErrors: GraphQLError | null = null
  return {
    consume: (amount) => entries.consume(amount),
    consumePage: (size) => pages.consume(size),
    consumeCount: () => counts.consume(1),
    consumePlaybackToken() {
      if (playbackTokens.isExceeded()) return false
      playbackTokens.consume(1)
      return true
    },
    consumeCreations: (count) => creations.consume(count),
    consumeCharacters: (count) => characters.consume(count),
    isOutOfCharacters: () => characters.isExceeded(),
    consumeError(error, info) {
      errors += 1
      if (errors <= MAX_FIELD_ERRORS) return error
      // With nodes and a path, so that the executor does not create another for each field.
      tooManyErrors ??= new GraphQLError(
        `Too many errors (limit: ${MAX_FIELD_ERRORS} fields per operation). No further fields are executed.`,
        {
          nodes: info.fieldNodes,
          path: responsePathAsArray(info.path),
          extensions: { code: 'RESULT_TOO_LARGE' },
        },
      )
      return tooManyErrors
    },
    tooManyErrors: () => tooManyErrors,
    reset() {
      errors = 0
      tooManyErrors = null
      for (const budget of [entries, pages, counts, playbackTokens, creations, characters])
        budget.reset()
    },
  }
}

interface Budget {
  /** Throws if too little remains. */
  consume(amount: number): void
  /** Whether `consume` has thrown since the last reset. */
  isExceeded(): boolean
  reset(): void
}

function createBudget(max: number, message: string): Budget {
  let remaining = max
  return {
    consume(amount) {
      remaining -= amount
      if (remaining < 0)
        throw new GraphQLError(message, { extensions: { code: 'RESULT_TOO_LARGE' } })
    },
    isExceeded: () => remaining < 0,
    reset() {
      remaining = max
    },
  }
}
