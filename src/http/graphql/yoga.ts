/** Yoga as the doors use it: our schema, our context, errors masked, nothing of its own at the door. */
import { createYoga } from 'graphql-yoga'
import { type GraphQLContext, createContext } from '../../graphql/context.ts'
import { schema } from '../../graphql/schema.ts'
import type { Parts } from '../../uploads/dependencies.ts'
import type { Viewer } from '../../uploads/viewer.ts'
import type { CrowdLimit } from './plugins/concurrency-limit.ts'
import type { Deadlines } from './plugins/deadlines.ts'
import { createDocumentCache } from './plugins/document-cache.ts'
import { GRAPHQL_PATH } from './endpoint.ts'
import { useHiddenSchema } from './plugins/disable-introspection.ts'
import { createErrorMask } from '../error-mask.ts'
import type { KnownDocuments } from '../known-documents.ts'
import { maskError } from './plugins/error-masking.ts'
import { useNamedMistakes } from './plugins/request-error-codes.ts'
import { useOperationLimits } from './plugins/document-limits.ts'
import { createOperationTelemetry } from './plugins/operation-telemetry.ts'
import { useBoundedParser } from '../parse-document.ts'
import type { GatewayPlugin } from './plugins/plugin.ts'
import { useReleasedRequest } from './plugins/release-request.ts'
import { partsFor } from '../middleware/request-id.ts'
import { createTimeLimit } from './plugins/operation-timeout.ts'

export type Yoga = ReturnType<typeof createGatewayYoga>

export interface YogaOptions {
  readonly introspection: boolean
  readonly crowd: CrowdLimit
  readonly deadlines: Deadlines
  readonly documents: KnownDocuments
}

export function createGatewayYoga(parts: Parts, options: YogaOptions) {
  const plugins: GatewayPlugin[] = [
    useBoundedParser,
    useOperationLimits,
    useNamedMistakes,
    options.documents.plugin,
    options.crowd.plugin,
    createTimeLimit(options.deadlines),
  ]
  if (!options.introspection) plugins.push(useHiddenSchema)
  plugins.push(
    createErrorMask(parts.log),
    createOperationTelemetry(parts.telemetry),
    useReleasedRequest,
  )
  return createYoga<
    { viewer: Viewer; requestId?: string | undefined },
    Omit<GraphQLContext, 'viewer'>
  >({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    landingPage: false,
    // Who may call from where is decided in front of Yoga, by an exact list.
    cors: false,
    // Files go to Stream, never through GraphQL.
    multipart: false,
    // Read within a bound in front of Yoga, where it costs half as much.
    maxRequestBodySize: false,
    // Shown by the door itself, which asks nobody for a token then.
    graphiql: false,
    logging: false,
    maskedErrors: { maskError: (error, message) => maskError(parts.log, error, message) },
    context: ({ viewer, requestId }) => createContext(partsFor(parts, requestId), viewer),
    parserAndValidationCache: {
      documentCache: options.documents.cache,
      errorCache: createDocumentCache<Error>(),
    },
    plugins,
  })
}
