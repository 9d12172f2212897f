/** A GraphQL client that retries at the next gateway until a request succeeds. */
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'

/** Options of a retrying client. */
export interface RetryingClientOptions {
  /** URLs of the gateways of one deployment, without a path; requests start at the first. */
  readonly gateways: readonly [string, ...string[]]
  readonly token: string
  /** Receives a description of each unexpected response. */
  readonly unexpectedErrors: string[]
  /** Aborts all requests and retries. */
  readonly signal: AbortSignal
  /** Counts "retry later" errors by code. Without it, such errors count as unexpected. */
  readonly retryLater?: Map<string, number>
}

export interface RetryingClient extends RetryingClientOptions {
  /** URL of the current gateway. */
  gateway(): string
  /** Switches to the next gateway. */
  useNextGateway(): void
  /** Returns the data of an operation, parsed by the schema. Retries at the next gateway on failure. */
  request<T extends z.ZodType>(schema: T, document: string, variables?: object): Promise<z.infer<T>>
}

const RETRY_DELAY_MS = 150

const errorsSchema = z.array(
  z.looseObject({
    message: z.string(),
    extensions: z.looseObject({ code: z.string().optional() }).optional(),
  }),
)
const responseSchema = z.object({ data: z.unknown().optional(), errors: errorsSchema.optional() })

export function createRetryingClient(options: RetryingClientOptions): RetryingClient {
  const { gateways, token, unexpectedErrors, signal } = options
  let index = 0
  const gateway = (): string => gateways[index % gateways.length] ?? gateways[0]
  const useNextGateway = (): void => {
    index += 1
  }

  async function send(document: string, variables: object): Promise<unknown> {
    const response = await fetch(`${gateway()}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: document, variables }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
    })
    const text = await response.text()
    // The gateway listens before it has finished starting.
    if (response.status === 503 && text.startsWith('Starting')) return null
    const parsed = readResponse(text)
    if (isRetryLater(options, parsed?.errors)) return null
    if (response.status >= 500 || parsed === null || parsed.errors !== undefined) {
      unexpectedErrors.push(`${response.status}: ${text.slice(0, 300)}`)
      return null
    }
    return parsed.data
  }

  return {
    ...options,
    gateway,
    useNextGateway,
    async request(schema, document, variables = {}) {
      for (;;) {
        signal.throwIfAborted()
        // The outcome of a failed connection is unknown: the gateway may have executed the operation.
        const data = await send(document, variables).catch(() => null)
        if (data !== null && data !== undefined) return schema.parse(data)
        useNextGateway()
        await pause(RETRY_DELAY_MS, undefined, { signal })
      }
    },
  }
}

/** Whether the error only asks for a later retry and such errors are expected. Counts it by code, except overload. */
export function isRetryLater({ retryLater }: RetryingClientOptions, errors: unknown): boolean {
  const code = errorsSchema.min(1).safeParse(errors).data?.[0]?.extensions?.code
  // An overloaded gateway has not executed the operation, as a busy machine may cause at any time.
  if (code === 'OVERLOADED') return true
  if (retryLater === undefined || code === undefined || !RETRYABLE_CODES.has(code)) return false
  retryLater.set(code, (retryLater.get(code) ?? 0) + 1)
  return true
}

/**
 * The database is unavailable, or the operation timed out, which a faster clock causes while the database
 * is still restarting.
 */
const RETRYABLE_CODES: ReadonlySet<string> = new Set(['SERVICE_UNAVAILABLE', 'TIMEOUT'])

function readResponse(text: string): z.infer<typeof responseSchema> | null {
  try {
    return responseSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}
