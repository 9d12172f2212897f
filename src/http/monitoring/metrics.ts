/** The door for Prometheus. https://prometheus.io/docs/instrumenting/exposition_formats/ */
import { type Door, methodNotAllowed, say } from '../handler.ts'

export interface MetricsDoorOptions {
  /** All that was measured, with its content type. */
  readonly expose: () => Promise<{ readonly type: string; readonly text: string }>
  /** Whoever asks must send it as a bearer token; null where anybody may ask. */
  readonly token: string | null
}

/** What is shown names no person and no upload; a token closes it to those who need not know it. */
export function createMetricsDoor({ expose, token }: MetricsDoorOptions): Door {
  const expected = token === null ? null : digestOf(`Bearer ${token}`)
  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return methodNotAllowed(['GET', 'HEAD'])
    }
    if (expected !== null && !(await isSame(expected, request.headers.get('authorization')))) {
      return say(401, 'Send METRICS_TOKEN: `Authorization: Bearer …`.', {
        'www-authenticate': 'Bearer',
      })
    }
    const { type, text } = await expose()
    return new Response(request.method === 'HEAD' ? null : text, {
      headers: { 'content-type': type },
    })
  }
}

/**
 * Compared by their digests, from first to last: how long that takes tells nothing of where the two
 * differ, nor of how long the right one is.
 */
async function isSame(expected: Promise<Uint8Array>, authorization: string | null) {
  const [right, given] = await Promise.all([expected, digestOf(asBearer(authorization ?? ''))])
  let difference = 0
  for (const [index, byte] of right.entries()) difference |= byte ^ (given[index] ?? 0)
  return difference === 0
}

/** The scheme may be written in any case. https://www.rfc-editor.org/rfc/rfc9110#section-11.1 */
function asBearer(authorization: string): string {
  return authorization.trim().replace(/^bearer +/i, 'Bearer ')
}

async function digestOf(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}
