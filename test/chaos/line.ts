/** A client's line to a gateway that comes and goes: it asks again until it is answered. */
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'

/** Where to, as whom, and for how long. */
export interface LineOptions {
  /** The gateway, without a path. */
  readonly url: string
  readonly token: string
  /** Answers that no client should ever see are written down here. */
  readonly surprises: string[]
  /** Ends the patience of whoever asks. */
  readonly patience: AbortSignal
}

export interface Line extends LineOptions {
  /** Data of a query or mutation, read by the schema. Asks again after every failure. */
  ask<T extends z.ZodType>(shape: T, document: string, variables?: object): Promise<z.infer<T>>
}

const ASK_AGAIN_MS = 150

const answerSchema = z.object({
  data: z.unknown(),
  errors: z.array(z.looseObject({ message: z.string() })).optional(),
})

export function createLine(options: LineOptions): Line {
  const { url, token, surprises, patience } = options

  async function attempt(document: string, variables: object): Promise<unknown> {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: document, variables }),
      signal: AbortSignal.any([patience, AbortSignal.timeout(30_000)]),
    })
    const text = await response.text()
    // It listens before it can answer.
    if (response.status === 503 && text.startsWith('Starting')) return null
    const answer = response.status < 500 ? readAnswer(text) : null
    if (answer === null || answer.errors !== undefined) {
      surprises.push(`${response.status}: ${text.slice(0, 300)}`)
      return null
    }
    return answer.data
  }

  return {
    ...options,
    async ask(shape, document, variables = {}) {
      for (;;) {
        patience.throwIfAborted()
        // A connection that fails says nothing: the gateway may have done the work.
        const data = await attempt(document, variables).catch(() => null)
        if (data !== null && data !== undefined) return shape.parse(data)
        await pause(ASK_AGAIN_MS, undefined, { signal: patience })
      }
    },
  }
}

function readAnswer(text: string): z.infer<typeof answerSchema> | null {
  try {
    return answerSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}
