/** Mutations that choose the protocol by the file: `createUpload` and `createUploads`. */
import { allowsBasicUploads, limitsInForce } from '../uploads/caller-limits.ts'
import { createUpload, createUploads } from '../uploads/create/create-upload.ts'
import type { UploadRequest } from '../uploads/create/upload-request.ts'
import type { CreateUploadOutcome } from '../uploads/outcomes.ts'
import { chooseProtocol } from '../uploads/recommend-protocol.ts'
import { badUserInput } from './query-errors.ts'
import { builder } from './builder.ts'
import type { GraphQLContext } from './context.ts'
import {
  type CommonInput,
  CreateDirectUploadSuccess,
  CreateTusUploadSuccess,
  commonInputFields,
  creationErrorTypes,
  toUploadRequest,
} from './create-upload.ts'

/** Maximum inputs of one `createUploads`. */
const MAX_INPUTS = 20

const CreateUploadInput = builder.inputType('CreateUploadInput', {
  description: 'Input of `createUpload`, and of each upload of `createUploads`.',
  fields: (t) => ({
    sizeBytes: t.field({
      type: 'ByteCount',
      required: true,
      description:
        'Exact size of the file in bytes: in a browser, `file.size`. 1 to 30,000,000,000.',
    }),
    reliableConnection: t.boolean({
      required: true,
      defaultValue: true,
      description:
        'False if the connection may break, as on a phone: files of at most 200 MB then use tus too.',
    }),
    ...commonInputFields(t, 'default: 30 minutes for BASIC, 6 hours for TUS.'),
  }),
})

const CreateUploadResult = builder.unionType('CreateUploadResult', {
  description: 'The URL, with how to send the file to it, or an error.',
  types: [CreateDirectUploadSuccess, CreateTusUploadSuccess, ...creationErrorTypes],
  resolveType(outcome: CreateUploadOutcome) {
    if (outcome.kind !== 'Minted') return outcome.kind
    return outcome.upload.protocol === 'TUS'
      ? 'CreateTusUploadSuccess'
      : 'CreateDirectUploadSuccess'
  },
})

builder.mutationFields((t) => ({
  createUpload: t.field({
    type: CreateUploadResult,
    description:
      'Creates an upload and a one-time URL for a file of at most 30 GB, with the protocol that suits it: one POST for at most 200 MB on a reliable connection, otherwise tus.',
    args: {
      input: t.arg({
        type: CreateUploadInput,
        required: true,
        description: 'The file and the settings of its upload.',
      }),
    },
    resolve(_root, { input }, context) {
      const { dependencies, viewer } = context
      return createUpload(dependencies, viewer, requestFor(input, context))
    },
  }),
  createUploads: t.field({
    type: [CreateUploadResult],
    description: `Creates up to ${MAX_INPUTS} uploads at once, as \`createUpload\` does. Returns one result per input, in the same order. Each upload counts towards rate limit and quota; if the rate limit suffices for some only, the first get it. An error of one does not affect the others.`,
    args: {
      inputs: t.arg({
        type: [CreateUploadInput],
        required: true,
        description: `The files and the settings of their uploads, 1 to ${MAX_INPUTS}. Equal inputs with the same idempotency key share one upload.`,
      }),
    },
    resolve(_root, { inputs }, context) {
      if (inputs.length === 0) {
        throw badUserInput(`\`inputs\` is empty. Pass 1 to ${MAX_INPUTS} inputs.`)
      }
      if (inputs.length > MAX_INPUTS) {
        throw badUserInput(
          `Too many \`inputs\` (limit: ${MAX_INPUTS}). Create the others by another call.`,
        )
      }
      const { dependencies, viewer, resultLimit } = context
      resultLimit.consumeCreations(inputs.length)
      const requests = inputs.map((input) => requestFor(input, context))
      return createUploads(dependencies, viewer, requests)
    },
  }),
}))

/** Input of one upload as parsed by GraphQL. */
interface FileInput extends CommonInput {
  readonly sizeBytes: number
  readonly reliableConnection: boolean
}

function requestFor(
  input: FileInput,
  { dependencies: { stream, policy }, viewer }: GraphQLContext,
): UploadRequest {
  const { sizeBytes, reliableConnection } = input
  const protocol = chooseProtocol(
    sizeBytes,
    reliableConnection,
    stream.capabilities.tusUploads,
    allowsBasicUploads(limitsInForce(policy, viewer.limits)),
  )
  return toUploadRequest(protocol, sizeBytes, input)
}
