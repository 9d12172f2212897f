/** Subscriptions: `uploadStatus` for one upload, `uploadsChanged` for all of the caller's. */
import type { RateLimited, UploadNotFound } from '../uploads/outcomes.ts'
import type { UploadChanges } from '../uploads/watch/change-stream.ts'
import { watchUpload, watchUploads } from '../uploads/watch/watch-uploads.ts'
import { builder } from './builder.ts'
import type { GraphQLContext } from './context.ts'
import { outcomeError } from './query-errors.ts'
import { UploadType } from './upload.ts'

builder.subscriptionFields((t) => ({
  uploadStatus: t.field({
    type: UploadType,
    description:
      'Sends the upload now and after each change of status or progress. Completes after a terminal status.',
    args: {
      uid: t.arg.id({ required: true, description: "Stream's unique identifier of the video." }),
    },
    // A client that joins a shared subscription also receives the current state first.
    extensions: { startsWithCurrentState: true },
    subscribe: async (_root, { uid }, context) =>
      eventsOrThrow(await watchUpload(context.dependencies, context.viewer, uid), context),
    resolve: withFreshResultLimit,
  }),
  uploadsChanged: t.field({
    type: UploadType,
    description:
      'Sends each upload of the caller when it changes. Is interrupted when the token expires, the gateway stops, or the client reads too slowly: then query `uploads` and subscribe again.',
    subscribe: async (_root, _args, context) =>
      eventsOrThrow(await watchUploads(context.dependencies, context.viewer), context),
    resolve: withFreshResultLimit,
  }),
}))

/** Resets the result limit for an event, because the limit applies to each event separately. */
export function withFreshResultLimit<T>(
  event: T,
  _args: object,
  { resultLimit }: GraphQLContext,
): T {
  resultLimit.reset()
  return event
}

/** Throws error outcomes with their code, because a subscription cannot return a union of errors. */
export function eventsOrThrow<T>(
  outcome: SubscriptionEvents<T> | UploadNotFound | RateLimited,
  { subscription }: GraphQLContext,
): AsyncIterableIterator<T, void, void> {
  if ('kind' in outcome) {
    throw outcomeError(outcome)
  }
  if (subscription === undefined) return outcome
  const { events, nextChange } = withLookahead(outcome)
  subscription.isInterrupted = outcome.isInterrupted
  subscription.nextChange = nextChange
  return events
}

type SubscriptionEvents<T> = AsyncIterableIterator<T, void, void> &
  Pick<UploadChanges, 'isInterrupted'>

/** Lets the transport wait for a change without executing it, until the client can receive the event. */
function withLookahead<T>(source: AsyncIterableIterator<T, void, void>): {
  readonly events: AsyncIterableIterator<T, void, void>
  readonly nextChange: () => Promise<void>
} {
  let upcoming: Promise<IteratorResult<T, void>> | null = null
  return {
    async nextChange() {
      upcoming ??= source.next()
      await upcoming
    },
    events: {
      next() {
        const next = upcoming ?? source.next()
        upcoming = null
        return next
      },
      async return() {
        await source.return?.()
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]() {
        return this
      },
    },
  }
}
