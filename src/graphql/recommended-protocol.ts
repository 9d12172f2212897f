/** Query `recommendedProtocol`: which protocol suits a file. */
import { type ProtocolRecommendation, recommendProtocol } from '../uploads/recommend-protocol.ts'
import { builder } from './builder.ts'
import { UploadProtocolEnum } from './upload.ts'

const ProtocolRecommendationType = builder
  .objectRef<ProtocolRecommendation>('ProtocolRecommendation')
  .implement({
    description: 'Which protocol suits a file, and why.',
    fields: (t) => ({
      protocol: t.expose('protocol', {
        type: UploadProtocolEnum,
        description: 'BASIC: call createDirectUpload. TUS: call createTusUpload.',
      }),
      required: t.exposeBoolean('required', {
        description: 'True where the other protocol cannot carry the file.',
      }),
      reason: t.exposeString('reason', { description: 'Why, in words for a person.' }),
    }),
  })

builder.queryField('recommendedProtocol', (t) =>
  t.field({
    type: ProtocolRecommendationType,
    description: 'Which protocol suits a file: the decision chart of the Stream documentation.',
    args: {
      sizeBytes: t.arg({
        type: 'ByteCount',
        required: true,
        description: "Size of the file in bytes: in a browser, the file's `size`.",
      }),
      reliableConnection: t.arg.boolean({
        required: true,
        defaultValue: true,
        description: 'False where the connection may break, as on a phone.',
      }),
    },
    resolve: (_root, { sizeBytes, reliableConnection }, { dependencies }) =>
      recommendProtocol(sizeBytes, reliableConnection, dependencies.stream.capabilities.tusUploads),
  }),
)
