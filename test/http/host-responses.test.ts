/** Answers that no door gave, as whoever operates the gateway sees them. */
import { expect, it } from 'vitest'
import { createResponseHeaders } from '../../src/http/response-headers.ts'
import { createHostResponses } from '../../src/http/host-responses.ts'
import { createAccessLog } from '../../src/http/middleware/access-log.ts'
import { noopTelemetry } from '../../src/telemetry/noop-telemetry.ts'

const quiet = (): void => undefined
const REQUEST = { requestId: 'one', startedAt: 0, client: () => null }

it('a refusal is counted as an answer and as a refusal, by its door and by no made-up path', () => {
  const counted: unknown[] = []
  const telemetry = {
    ...noopTelemetry,
    responseSent: (...answer: unknown[]) => void counted.push(answer),
    requestRejected: (...refusal: unknown[]) => void counted.push(refusal),
  }
  const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
  const besideEndpoints = createHostResponses(
    new Set(['/graphql']),
    createResponseHeaders({ origins: new Set(), https: false }),
    telemetry,
    createAccessLog({ log, telemetry }),
  )
  for (const url of ['/graphql?query={secret}', '/nowhere', 'toString', '']) {
    besideEndpoints.record({ url, method: 'GET', status: 503, ...REQUEST }, 'overloaded')
  }
  besideEndpoints.record({ url: '/graphql', method: 'POST', status: 500, ...REQUEST })
  const nowhere = [
    [null, 'GET', 503],
    ['none', 'overloaded'],
  ]
  expect(counted).toEqual([
    ['/graphql', 'GET', 503],
    ['/graphql', 'overloaded'],
    ...nowhere,
    ...nowhere,
    ...nowhere,
    ['/graphql', 'POST', 500],
  ])
})
