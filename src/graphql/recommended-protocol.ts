/** Query `recommendedProtocol`: which protocol suits a file. */
import { allowsBasicUploads, limitsInForce } from '../uploads/caller-limits.ts'
import { type ProtocolRecommendation, recommendProtocol } from '../uploads/recommend-protocol.ts'
import { builder } from './builder.ts'
import { UploadProtocolEnum } from './upload.ts'

const ProtocolRecommendationType = builder
  .objectRef<ProtocolRecommendation>('ProtocolRecommendation')
  .implement({
    description: 'The recommended upload protocol, with the reason.',
    fields: (t) => ({
      protocol: t.expose('protocol', {
        type: UploadProtocolEnum,
        description:
          'BASIC for `createDirectUpload`, TUS for `createTusUpload`. `createUpload` chooses it itself.',
      }),
      required: t.exposeBoolean('required', {
        description: 'Whether the other protocol cannot upload the file.',
      }),
      reason: t.exposeString('reason', { description: 'Reason, in English.' }),
    }),
  })

builder.queryField('recommendedProtocol', (t) =>
  t.field({
    type: ProtocolRecommendationType,
    description:
      'Recommends the upload protocol for a file, by the decision chart of the Stream documentation.',
    args: {
      sizeBytes: t.arg({
        type: 'ByteCount',
        required: true,
        description: 'Size of the file in bytes: in a browser, `file.size`.',
      }),
      reliableConnection: t.arg.boolean({
        required: true,
        defaultValue: true,
        description: 'False if the connection may break, as on a phone.',
      }),
    },
    resolve: (_root, { sizeBytes, reliableConnection }, { dependencies, viewer }) =>
      recommendProtocol(
        sizeBytes,
        reliableConnection,
        dependencies.stream.capabilities.tusUploads,
        allowsBasicUploads(limitsInForce(dependencies.policy, viewer.limits)),
      ),
  }),
)
