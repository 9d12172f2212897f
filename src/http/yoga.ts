/** Yoga as the doors use it: our schema, our context, errors masked, nothing of its own at the door. */
import type { DocumentNode } from 'graphql'
import { createYoga } from 'graphql-yoga'
import { createAllowance } from '../graphql/allowance.ts'
import { type GraphQLContext, createHistoryReader } from '../graphql/context.ts'
import { schema } from '../graphql/schema.ts'
import type { Parts } from '../uploads/parts.ts'
import type { Viewer } from '../uploads/viewer.ts'
import { createCrowdLimit } from './crowd-limit.ts'
import { createDocumentCache } from './document-cache.ts'
import { useHiddenSchema } from './hide-schema.ts'
import { createErrorMask } from './error-mask.ts'
import { maskError } from './mask-error.ts'
import { useNamedMistakes } from './name-mistakes.ts'
import { useOperationLimits } from './operation-limits.ts'
import { createOperationTelemetry } from './operation-telemetry.ts'
import { useBoundedParser } from './parse-document.ts'
import type { GatewayPlugin } from './plugin.ts'
import { partsFor } from './request-id.ts'
import { createTimeLimit } from './time-limit.ts'

/** Bytes of one GraphQL request, its variables included: a meta has 4 KiB at most. */
const MAX_REQUEST_BYTES = 64 * 1024

export type Yoga = ReturnType<typeof createGatewayYoga>

export function createGatewayYoga(parts: Parts, options: { readonly introspection: boolean }) {
  const plugins: GatewayPlugin[] = [
    useBoundedParser,
    useOperationLimits,
    useNamedMistakes,
    createCrowdLimit(parts.telemetry),
    createTimeLimit(parts.clock),
  ]
  if (!options.introspection) plugins.push(useHiddenSchema)
  plugins.push(createErrorMask(parts.log), createOperationTelemetry(parts.telemetry))
  return createYoga<
    { viewer: Viewer; requestId?: string | undefined },
    Omit<GraphQLContext, 'viewer'>
  >({
    schema,
    graphqlEndpoint: '/graphql',
    landingPage: false,
    // Who may call from where is decided in front of Yoga, by an exact list.
    cors: false,
    // Files go to Stream, never through GraphQL.
    multipart: false,
    maxRequestBodySize: MAX_REQUEST_BYTES,
    // Shown by the door itself, which asks nobody for a token then.
    graphiql: false,
    logging: false,
    maskedErrors: { maskError: (error, message) => maskError(parts.log, error, message) },
    context: ({ requestId }) => ({
      parts: partsFor(parts, requestId),
      history: createHistoryReader(parts),
      allowance: createAllowance(),
    }),
    parserAndValidationCache: {
      documentCache: createDocumentCache<DocumentNode>(),
      errorCache: createDocumentCache<Error>(),
    },
    plugins,
  })
}
