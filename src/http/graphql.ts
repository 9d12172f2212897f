/** The GraphQL door: Yoga behind our own authentication, with errors masked and GraphiQL in a browser. */
import { renderGraphiQL } from '@graphql-yoga/render-graphiql'
import { GraphQLError, NoSchemaIntrospectionCustomRule } from 'graphql'
import { type GraphiQLOptions, type Plugin, createYoga, maskError as yogaMask } from 'graphql-yoga'
import type { GraphQLContext } from '../graphql/context.ts'
import { createHistoryReader } from '../graphql/context.ts'
import { schema } from '../graphql/schema.ts'
import type { Log, Parts } from '../uploads/parts.ts'
import type { Viewer } from '../uploads/viewer.ts'
import { type Authenticate, isViewer } from './authenticate.ts'
import type { Door } from './door.ts'

/** Bytes of one GraphQL request. */
const MAX_REQUEST_BYTES = 256 * 1024

/** What GraphiQL opens with: a query to run at once. */
const FIRST_TAB = `# Mint a one-time URL, then send a video to it:
#   curl --form file=@video.mp4 UPLOAD_URL
mutation Mint {
  createDirectUpload(input: { maxDurationSeconds: 3600, name: "My first upload" }) {
    __typename
    ... on CreateDirectUploadSuccess {
      uploadURL
      formField
      upload {
        uid
        status
        expiresAt
      }
    }
    ... on Error {
      code
      message
    }
  }
}

# Then watch it: put the uid from above between the quotes.
subscription Watch {
  uploadStatus(uid: "") {
    status
    version
    progress {
      receivedBytes
      totalBytes
      encodingPercent
    }
    video {
      durationSeconds
      width
      height
      previewURL
    }
    failure {
      code
      message
    }
  }
}

query List {
  uploads(first: 10) {
    totalCount
    nodes {
      uid
      name
      status
      createdAt
    }
  }
}
`

const GRAPHIQL: GraphiQLOptions = {
  title: 'headgate',
  defaultQuery: FIRST_TAB,
  subscriptionsProtocol: 'SSE',
  shouldPersistHeaders: true,
}

export function createGraphQLDoor(
  parts: Parts,
  authenticate: Authenticate,
  options: { readonly introspection: boolean },
): Door {
  const yoga = createYoga<{ viewer: Viewer }, Omit<GraphQLContext, 'viewer'>>({
    schema,
    graphqlEndpoint: '/graphql',
    landingPage: false,
    // Who may call from where is decided in front of Yoga, by an exact list.
    cors: false,
    // Files go to Stream, never through GraphQL.
    multipart: false,
    maxRequestBodySize: MAX_REQUEST_BYTES,
    graphiql: options.introspection ? GRAPHIQL : false,
    renderGraphiQL,
    logging: false,
    maskedErrors: { maskError: (error, message) => maskError(parts.log, error, message) },
    context: () => ({ parts, history: createHistoryReader(parts) }),
    plugins: options.introspection ? [] : [hideSchema],
  })

  return async (request) => {
    if (request.method === 'GET' && acceptsHTML(request)) return yoga.fetch(request)
    // A form needs no preflight: taking one would let any page act for whoever visits it.
    if (request.method === 'POST' && !isJSON(request)) {
      return answer(415, 'BAD_REQUEST', 'Send the request as application/json.')
    }
    const caller = await authenticate(request.headers.get('authorization'))
    if (!isViewer(caller)) {
      return answer(401, 'UNAUTHENTICATED', caller.message, { 'www-authenticate': 'Bearer' })
    }
    return yoga.fetch(request, { viewer: caller })
  }
}

const hideSchema: Plugin = {
  onValidate: ({ addValidationRule }) => addValidationRule(NoSchemaIntrospectionCustomRule),
}

function acceptsHTML(request: Request): boolean {
  return /\btext\/html\b/.test(request.headers.get('accept') ?? '')
}

/** https://graphql.github.io/graphql-over-http/draft/#sec-Media-Types */
function isJSON(request: Request): boolean {
  const [type = ''] = (request.headers.get('content-type') ?? '').split(';')
  return /^application\/(?:graphql\+)?json$/i.test(type.trim())
}

function answer(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json({ errors: [{ message, extensions: { code } }] }, { status, headers })
}

/** What was meant for the caller stays; anything else is logged whole and shown by an id only. */
function maskError(log: Log, error: unknown, message: string): Error {
  const masked = yogaMask(error, message, false)
  if (masked === error) return masked
  const requestId = crypto.randomUUID()
  log.error({ requestId, err: error }, 'unexpected error')
  const { nodes, path } =
    error instanceof GraphQLError ? error : { nodes: undefined, path: undefined }
  return new GraphQLError(`Unexpected error. Ask for it by this id: ${requestId}`, {
    ...(nodes === undefined ? {} : { nodes }),
    ...(path === undefined ? {} : { path }),
    extensions: { code: 'INTERNAL_SERVER_ERROR', requestId },
  })
}
