/** A client's line to gateways that come and go: it asks again, the next of them, until it is answered. */
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'

/** Where to, as whom, and for how long. */
export interface LineOptions {
  /** Gateways of one deployment, without a path; the first is asked first. */
  readonly gateways: readonly [string, ...string[]]
  readonly token: string
  /** Answers that no client should ever see are written down here. */
  readonly surprises: string[]
  /** Ends the patience of whoever asks. */
  readonly patience: AbortSignal
  /** Where gateways may ask to come again later: how often they did, by code. They may not by default. */
  readonly putOff?: Map<string, number>
}

export interface Line extends LineOptions {
  /** The gateway that is asked now. */
  gateway(): string
  /** Asks the next one from now on. */
  moveOn(): void
  /** Data of a query or mutation, read by the schema. Asks again, elsewhere, after every failure. */
  ask<T extends z.ZodType>(shape: T, document: string, variables?: object): Promise<z.infer<T>>
}

const ASK_AGAIN_MS = 150

const errorsSchema = z.array(
  z.looseObject({
    message: z.string(),
    extensions: z.looseObject({ code: z.string().optional() }).optional(),
  }),
)
const answerSchema = z.object({ data: z.unknown().optional(), errors: errorsSchema.optional() })

export function createLine(options: LineOptions): Line {
  const { gateways, token, surprises, patience: backoff } = options
  let place = 0
  const gateway = (): string => gateways[place % gateways.length] ?? gateways[0]
  const moveOn = (): void => {
    place += 1
  }

  async function attempt(document: string, variables: object): Promise<unknown> {
    const response = await fetch(`${gateway()}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: document, variables }),
      signal: AbortSignal.any([backoff, AbortSignal.timeout(30_000)]),
    })
    const text = await response.text()
    // It listens before it can answer.
    if (response.status === 503 && text.startsWith('Starting')) return null
    const answer = readAnswer(text)
    if (isPutOff(options, answer?.errors)) return null
    if (response.status >= 500 || answer === null || answer.errors !== undefined) {
      surprises.push(`${response.status}: ${text.slice(0, 300)}`)
      return null
    }
    return answer.data
  }

  return {
    ...options,
    gateway,
    moveOn,
    async ask(shape, document, variables = {}) {
      for (;;) {
        backoff.throwIfAborted()
        // A connection that fails says nothing: the gateway may have done the work.
        const data = await attempt(document, variables).catch(() => null)
        if (data !== null && data !== undefined) return shape.parse(data)
        moveOn()
        await pause(ASK_AGAIN_MS, undefined, { signal: backoff })
      }
    },
  }
}

/** True where nothing is wrong but that it is to come again later, and where that may be. */
export function isPutOff({ putOff }: LineOptions, errors: unknown): boolean {
  const code = errorsSchema.min(1).safeParse(errors).data?.[0]?.extensions?.code
  if (putOff === undefined || code === undefined || !LATER.has(code)) return false
  putOff.set(code, (putOff.get(code) ?? 0) + 1)
  return true
}

/**
 * The database is away; the gateway, which has just started, has more to do than it can; or its time was
 * up, which a clock that runs faster brings about while the database may still come back.
 */
const LATER: ReadonlySet<string> = new Set(['SERVICE_UNAVAILABLE', 'OVERLOADED', 'TIMEOUT'])

function readAnswer(text: string): z.infer<typeof answerSchema> | null {
  try {
    return answerSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}
