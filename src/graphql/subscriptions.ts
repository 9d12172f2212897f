/** The two subscriptions: one upload to its end, or all of the caller's from now on. */
import { GraphQLError } from 'graphql'
import type { UploadChanges } from '../uploads/watch/change-stream.ts'
import type { RateLimited, UploadNotFound } from '../uploads/outcomes.ts'
import type { Upload } from '../uploads/upload.ts'
import { watchUpload } from '../uploads/watch-upload.ts'
import { watchUploads } from '../uploads/watch/watch-uploads.ts'
import { builder } from './builder.ts'
import type { GraphQLContext } from './context.ts'
import { UploadType } from './upload.ts'

builder.subscriptionFields((t) => ({
  uploadStatus: t.field({
    type: UploadType,
    description:
      'The upload as it stands now, then at each change of status or progress; completes after a terminal status.',
    args: { uid: t.arg.id({ required: true, description: "Stream's identifier of the video." }) },
    // Whoever joins others who watch it already is shown the present state first, too.
    extensions: { presentFirst: true },
    subscribe: async (_root, { uid }, { parts, viewer }) =>
      changesOrThrow(await watchUpload(parts, viewer, uid)),
    resolve: renewed,
  }),
  uploadsChanged: t.field({
    type: UploadType,
    description:
      "Every change to any of the caller's uploads, from now on. Completes when the token lapses, the gateway stops, or the reader fell far behind: read `uploads` then, and subscribe again.",
    subscribe: async (_root, _args, { parts, viewer }) =>
      changesOrThrow(await watchUploads(parts, viewer)),
    resolve: renewed,
  }),
}))

/** Each event is an answer of its own. */
function renewed(upload: Upload, _args: object, { allowance }: GraphQLContext): Upload {
  allowance.renew()
  return upload
}

/** A subscription has no union to answer with: what is refused is an error with its code. */
function changesOrThrow(outcome: UploadChanges | UploadNotFound | RateLimited): UploadChanges {
  if (!('kind' in outcome)) return outcome
  throw new GraphQLError(outcome.message, { extensions: { code: outcome.code } })
}
