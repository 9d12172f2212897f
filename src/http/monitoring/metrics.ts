/** `/metrics`, for Prometheus. https://prometheus.io/docs/instrumenting/exposition_formats/ */
import { type Handler, methodNotAllowed, textResponse } from '../handler.ts'

export interface MetricsHandlerOptions {
  /** Returns all metrics and their content type. */
  readonly expose: () => Promise<{ readonly type: string; readonly text: string }>
  /** Required bearer token; null if the metrics are public. */
  readonly token: string | null
}

/** The metrics name no caller and no upload, so the token is optional. */
export function createMetricsHandler({ expose, token }: MetricsHandlerOptions): Handler {
  const expected = token === null ? null : digestOf(`Bearer ${token}`)
  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return methodNotAllowed(['GET', 'HEAD'])
    }
    if (expected !== null && !(await isSame(expected, request.headers.get('authorization')))) {
      return textResponse(
        401,
        'Missing or invalid token. Send `Authorization: Bearer <METRICS_TOKEN>`.',
        {
          'www-authenticate': 'Bearer',
        },
      )
    }
    const { type, text } = await expose()
    return new Response(request.method === 'HEAD' ? null : text, {
      headers: { 'content-type': type },
    })
  }
}

/** Compares digests in constant time: the duration reveals neither the token's length nor a correct prefix. */
async function isSame(expected: Promise<Uint8Array>, authorization: string | null) {
  const [expectedDigest, actualDigest] = await Promise.all([
    expected,
    digestOf(asBearer(authorization ?? '')),
  ])
  let difference = 0
  for (const [index, byte] of expectedDigest.entries())
    difference |= byte ^ (actualDigest[index] ?? 0)
  return difference === 0
}

/** Normalizes the scheme, which is case-insensitive. https://www.rfc-editor.org/rfc/rfc9110#section-11.1 */
function asBearer(authorization: string): string {
  return authorization.trim().replace(/^bearer +/i, 'Bearer ')
}

async function digestOf(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}
