/** Answers that no door gave, as whoever operates the gateway sees them. */
import { expect, it } from 'vitest'
import { createAnswerHeaders } from '../../src/http/response-headers.ts'
import { createBesideDoors } from '../../src/http/host-responses.ts'
import { createNoteAnswer } from '../../src/http/middleware/access-log.ts'
import { silentTelemetry } from '../../src/telemetry/noop-telemetry.ts'

const quiet = (): void => undefined
const REQUEST = { requestId: 'one', startedAt: 0, client: () => null }

it('a refusal is counted as an answer and as a refusal, by its door and by no made-up path', () => {
  const counted: unknown[] = []
  const telemetry = {
    ...silentTelemetry,
    answered: (...answer: unknown[]) => void counted.push(answer),
    refused: (...refusal: unknown[]) => void counted.push(refusal),
  }
  const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
  const besideDoors = createBesideDoors(
    new Set(['/graphql']),
    createAnswerHeaders({ origins: new Set(), https: false }),
    telemetry,
    createNoteAnswer({ log, telemetry }),
  )
  for (const url of ['/graphql?query={secret}', '/nowhere', 'toString', '']) {
    besideDoors.note({ url, method: 'GET', status: 503, ...REQUEST }, 'overloaded')
  }
  besideDoors.note({ url: '/graphql', method: 'POST', status: 500, ...REQUEST })
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
