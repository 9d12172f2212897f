/** Subscriptions: `uploadStatus` for one upload, `uploadsChanged` for all of the caller's. */
import { GraphQLError } from 'graphql'
import type { RateLimited, UploadNotFound } from '../uploads/outcomes.ts'
import { watchUpload, watchUploads } from '../uploads/watch/watch-uploads.ts'
import { builder } from './builder.ts'
import type { GraphQLContext } from './context.ts'
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
    subscribe: async (_root, { uid }, { dependencies, viewer }) =>
      eventsOrThrow(await watchUpload(dependencies, viewer, uid)),
    resolve: withFreshResultLimit,
  }),
  uploadsChanged: t.field({
    type: UploadType,
    description:
      'Sends each upload of the caller when it changes. Completes when the token expires, the gateway stops, or the client reads too slowly: then query `uploads` and subscribe again.',
    subscribe: async (_root, _args, { dependencies, viewer }) =>
      eventsOrThrow(await watchUploads(dependencies, viewer)),
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
export function eventsOrThrow<T extends object>(outcome: T | UploadNotFound | RateLimited): T {
  if (!('kind' in outcome)) return outcome
  throw new GraphQLError(outcome.message, { extensions: { code: outcome.code } })
}
