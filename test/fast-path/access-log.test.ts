/** Access log and HTTP metrics of fast-path responses: equal to those of fallback responses. */
import { describe, expect, it } from 'vitest'
import { noopTelemetry } from '../../src/telemetry/noop-telemetry.ts'
import type { Telemetry } from '../../src/uploads/ports/telemetry.ts'
import type { Logger } from '../../src/shared/logger.ts'
import { WARM_UP_RUNS, sendOperation } from './both-paths.ts'
import { ALLOWED_ORIGIN, createSetup } from './setup.ts'
import { createTestUpload } from './upload-histories.ts'
import { bodyFor, warmUpUpload } from './subscriptions.ts'
import { until, openEventStream } from './subscription-clients.ts'

const OPEN = { kind: 'disabled' } as const

/** A logger and a telemetry that collect what they receive. */
function createCollectors() {
  const lines: object[] = []
  const responses: (readonly [route: string | null, method: string, status: number])[] = []
  const write = (fields: object, message: string): void => void lines.push({ ...fields, message })
  const log: Logger = { debug: write, info: write, warn: write, error: write }
  const telemetry: Telemetry = {
    ...noopTelemetry,
    responseSent: (...response) => void responses.push(response),
  }
  return { lines, responses, log, telemetry }
}

describe('a response of the fast path', () => {
  it('writes the same access log entry as the fallback', async () => {
    const { lines, log, responses, telemetry } = createCollectors()
    const setup = await createSetup({ auth: OPEN, log, telemetry })
    const operation = { query: '{ uploads { totalCount } }' }
    for (let run = 0; run < WARM_UP_RUNS; run += 1) await sendOperation(setup.fast, operation)
    lines.length = 0
    responses.length = 0
    const fast = await sendOperation(setup.fast, operation)
    expect(setup.usedFastPath(fast.requestId)).toBe(true)
    const fallback = await sendOperation(setup.fallback, operation)
    expect(lines).toEqual(
      [fast, fallback].map(({ requestId }) => ({
        requestId,
        method: 'POST',
        path: '/graphql',
        status: 200,
        durationMs: expect.toSatisfy((ms: number) => Number.isInteger(ms) && ms >= 0),
        clientAddress: '127.0.0.1',
        message: 'request completed',
      })),
    )
    expect(responses).toEqual([fast, fallback].map(({ status }) => ['/graphql', 'POST', status]))
  })

  it('writes the access log entry of an event stream when the stream opens, like the fallback', async () => {
    const { lines, log } = createCollectors()
    const setup = await createSetup({ auth: OPEN, log })
    await warmUpUpload(setup)
    const { uid } = await createTestUpload(setup)
    lines.length = 0
    for (const url of [setup.fast, setup.fallback]) await openEventStream(url, bodyFor(uid)).opened
    expect(setup.joinedSubscriptions()).toBe(1)
    const line = {
      message: 'request completed',
      path: '/graphql',
      status: 200,
      clientAddress: '127.0.0.1',
    }
    await until(() => lines.length === 2, 'both log entries')
    expect(lines).toMatchObject([line, line])
  })

  it('writes no access log entry if the log level is disabled', async () => {
    const { lines, log, responses, telemetry } = createCollectors()
    const quiet: Logger = { ...log, isLevelEnabled: () => false }
    const setup = await createSetup({ auth: OPEN, log: quiet, telemetry })
    const operation = { query: '{ uploads { totalCount } }' }
    for (let run = 0; run <= WARM_UP_RUNS; run += 1) await sendOperation(setup.fast, operation)
    expect(lines).toEqual([])
    expect(responses).toHaveLength(WARM_UP_RUNS + 1)
  })
})

describe('an unexpected error in the fast path', () => {
  it.each([ALLOWED_ORIGIN, null, 'https://evil.example.com'])(
    'gets the response of an unexpected handler error for origin %s, and is counted',
    async (origin) => {
      const { lines, log, responses, telemetry } = createCollectors()
      const setup = await createSetup({
        auth: OPEN,
        log,
        telemetry,
        fastPath: (fastPath) => ({
          ...fastPath,
          handle: () => Promise.reject(new Error('unexpected')),
        }),
      })
      const headers: Record<string, string> = origin === null ? {} : { origin }
      const failed = await sendOperation(setup.fast, { query: '{ __typename }', headers })
      const { requestId } = failed
      expect([failed.status, failed.text]).toEqual([
        500,
        `Unexpected error. Report this request id: ${requestId}\n`,
      ])
      /** Headers that do not depend on the body. */
      const commonHeaders = ({ headers: all }: typeof failed): readonly string[] =>
        all.filter((header) => !/^content-(?:type|length)|^(?:transfer|allow)/.test(header))
      // The handler rejects this request in plain text, too.
      const rejected = await sendOperation(setup.fallback, { query: '{ __typename }', headers })
      expect(commonHeaders(failed)).toEqual(commonHeaders(rejected))
      expect(responses[0]).toEqual(['/graphql', 'POST', 500])
      expect(lines.slice(0, 2)).toMatchObject([
        { requestId, message: 'unexpected error' },
        { requestId, message: 'request completed', path: '/graphql', status: 500 },
      ])
    },
  )
})
