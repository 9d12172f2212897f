/** Telemetry of responses that the host writes without calling a handler. */
import { expect, it } from 'vitest'
import { createResponseHeaders } from '../../src/http/response-headers.ts'
import { createHostResponses } from '../../src/http/host-responses.ts'
import { createAccessLog } from '../../src/http/middleware/access-log.ts'
import { noopTelemetry } from '../../src/telemetry/noop-telemetry.ts'

const quiet = (): void => undefined
const REQUEST = { requestId: 'one', startedAt: 0, client: () => null }

it('counts a rejection as response and as rejection, by a known route or as none', () => {
  const counted: unknown[] = []
  const telemetry = {
    ...noopTelemetry,
    responseSent: (...labels: unknown[]) => void counted.push(labels),
    requestRejected: (...labels: unknown[]) => void counted.push(labels),
  }
  const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
  const hostResponses = createHostResponses(
    new Set(['/graphql']),
    createResponseHeaders({ origins: new Set(), https: false }),
    telemetry,
    createAccessLog({ log, telemetry }),
  )
  for (const url of ['/graphql?query={secret}', '/nowhere', 'toString', '']) {
    hostResponses.record({ url, method: 'GET', status: 503, ...REQUEST }, 'overloaded')
  }
  hostResponses.record({ url: '/graphql', method: 'POST', status: 500, ...REQUEST })
  const unknownRoute = [
    [null, 'GET', 503],
    ['none', 'overloaded'],
  ]
  expect(counted).toEqual([
    ['/graphql', 'GET', 503],
    ['/graphql', 'overloaded'],
    ...unknownRoute,
    ...unknownRoute,
    ...unknownRoute,
    ['/graphql', 'POST', 500],
  ])
})
