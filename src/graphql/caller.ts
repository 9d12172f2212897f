/** Query `me`: the caller, with the limits in force. */
import { limitsInForce } from '../uploads/caller-limits.ts'
import { MAX_BASIC_BYTES } from '../uploads/limits.ts'
import type { Viewer } from '../uploads/viewer.ts'
import { builder } from './builder.ts'
import type { GraphQLContext } from './context.ts'

const inForce = ({ limits }: Viewer, { dependencies }: GraphQLContext) =>
  limitsInForce(dependencies.policy, limits)

const CallerLimitsType = builder.objectRef<Viewer>('CallerLimits').implement({
  description:
    "Limits in force for the caller: those of its token, and the gateway's where the token contains none.",
  fields: (t) => ({
    maxDurationSeconds: t.int({
      description: 'Largest `maxDurationSeconds` that the caller may request, in seconds.',
      resolve: (viewer, _args, context) => inForce(viewer, context).maxDurationSeconds,
    }),
    maxSizeBytes: t.field({
      type: 'ByteCount',
      description:
        'Largest file that the caller may upload, in bytes. Below 200 MB, only tus uploads are accepted.',
      resolve(viewer, _args, context) {
        const { maxSizeBytes } = inForce(viewer, context)
        const { tusUploads } = context.dependencies.stream.capabilities
        return tusUploads ? maxSizeBytes : Math.min(maxSizeBytes, MAX_BASIC_BYTES)
      },
    }),
    createsPerMinute: t.int({
      description:
        'Uploads that the caller may create per minute. Changes and deletions have separate limits of the same size.',
      resolve: (viewer, _args, context) => inForce(viewer, context).createsPerMinute,
    }),
    quotaMinutes: t.float({
      nullable: true,
      description:
        'Minutes of video that the caller may hold, reserved and stored together; null if the gateway has no limit.',
      resolve(viewer, _args, context) {
        const { quotaSeconds } = inForce(viewer, context)
        return quotaSeconds === null ? null : quotaSeconds / 60
      },
    }),
    heldMinutes: t.float({
      description: 'Minutes of video that the caller holds now, reserved and stored together.',
      resolve: (_viewer, _args, { usage }) => usage.heldMinutes(),
    }),
    remainingUploads: t.int({
      nullable: true,
      description:
        "Uploads that may still be created with the caller's token; null if it does not limit them. An upload that failed, expired or was deleted counts.",
      resolve: (_viewer, _args, { usage }) => usage.remainingUploads(),
    }),
  }),
})

const CallerType = builder.objectRef<Viewer>('Caller').implement({
  description: 'The caller, as its token identifies it.',
  fields: (t) => ({
    subject: t.exposeString('subject', {
      description: "The token's `sub`: the creator of the caller's uploads.",
    }),
    isAdmin: t.exposeBoolean('isAdmin', {
      description:
        "Whether the caller administrates: it sees, changes and deletes every creator's uploads.",
    }),
    limits: t.field({
      type: CallerLimitsType,
      description: 'The limits in force for the caller.',
      resolve: (viewer) => viewer,
    }),
  }),
})

builder.queryField('me', (t) =>
  t.field({
    type: CallerType,
    description: 'The caller, and the limits in force for it.',
    resolve: (_root, _args, { viewer }) => viewer,
  }),
)
