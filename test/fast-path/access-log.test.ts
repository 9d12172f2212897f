/** What is counted and written down of answers that no door gave: the same as of those that a door gave. */
import { describe, expect, it } from 'vitest'
import { noopTelemetry } from '../../src/telemetry/noop-telemetry.ts'
import type { Telemetry } from '../../src/uploads/ports/telemetry.ts'
import type { Logger } from '../../src/shared/logger.ts'
import { LESSONS, ask } from './both-paths.ts'
import { LISTED_ORIGIN, setSetup } from './setup.ts'
import { beginStory } from './upload-histories.ts'
import { bodyFor, teachUpload } from './subscriptions.ts'
import { until, watchByEvents } from './subscription-clients.ts'

const OPEN = { kind: 'disabled' } as const

/** A log and counts that a test reads. */
function book() {
  const lines: object[] = []
  const answers: (readonly [door: string | null, method: string, status: number])[] = []
  const write = (fields: object, message: string): void => void lines.push({ ...fields, message })
  const log: Logger = { debug: write, info: write, warn: write, error: write }
  const telemetry: Telemetry = {
    ...noopTelemetry,
    responseSent: (...answer) => void answers.push(answer),
  }
  return { lines, answers, log, telemetry }
}

describe('an answer of the lane', () => {
  it('is written down as the long way writes its own', async () => {
    const { lines, log, answers, telemetry } = book()
    const setup = await setSetup({ auth: OPEN, log, telemetry })
    const question = { query: '{ uploads { totalCount } }' }
    for (let lesson = 0; lesson < LESSONS; lesson += 1) await ask(setup.fast, question)
    lines.length = 0
    answers.length = 0
    const fast = await ask(setup.fast, question)
    expect(setup.answeredByLane(fast.requestId)).toBe(true)
    const long = await ask(setup.long, question)
    expect(lines).toEqual(
      [fast, long].map(({ requestId }) => ({
        requestId,
        method: 'POST',
        path: '/graphql',
        status: 200,
        durationMs: expect.toSatisfy((ms: number) => Number.isInteger(ms) && ms >= 0),
        clientAddress: '127.0.0.1',
        message: 'request completed',
      })),
    )
    expect(answers).toEqual([fast, long].map(({ status }) => ['/graphql', 'POST', status]))
  })

  it('with events is written down when it begins, as the long way does', async () => {
    const { lines, log } = book()
    const setup = await setSetup({ auth: OPEN, log })
    await teachUpload(setup)
    const { uid } = await beginStory(setup)
    lines.length = 0
    for (const url of [setup.fast, setup.long]) await watchByEvents(url, bodyFor(uid)).opened
    expect(setup.seated()).toBe(1)
    const line = {
      message: 'request completed',
      path: '/graphql',
      status: 200,
      clientAddress: '127.0.0.1',
    }
    await until(() => lines.length === 2, 'both lines')
    expect(lines).toMatchObject([line, line])
  })

  it('is not written down where nobody reads it', async () => {
    const { lines, log, answers, telemetry } = book()
    const quiet: Logger = { ...log, isLevelEnabled: () => false }
    const setup = await setSetup({ auth: OPEN, log: quiet, telemetry })
    const question = { query: '{ uploads { totalCount } }' }
    for (let time = 0; time <= LESSONS; time += 1) await ask(setup.fast, question)
    expect(lines).toEqual([])
    expect(answers).toHaveLength(LESSONS + 1)
  })
})

describe('a failure of ours in the lane', () => {
  it.each([LISTED_ORIGIN, null, 'https://evil.example.com'])(
    'is answered to %s as a door answers its own, and counted',
    async (origin) => {
      const { lines, log, answers, telemetry } = book()
      const setup = await setSetup({
        auth: OPEN,
        log,
        telemetry,
        lane: (fastPath) => ({
          ...fastPath,
          handle: () => Promise.reject(new Error('nobody expected this')),
        }),
      })
      const headers: Record<string, string> = origin === null ? {} : { origin }
      const failed = await ask(setup.fast, { query: '{ __typename }', headers })
      const { requestId } = failed
      expect([failed.status, failed.text]).toEqual([
        500,
        `Unexpected error. Report this request id: ${requestId}\n`,
      ])
      // All but its own type and length.
      const others = ({ headers: all }: typeof failed): readonly string[] =>
        all.filter((header) => !/^content-(?:type|length)|^(?:transfer|allow)/.test(header))
      // Answered by the door in plain text as well.
      const refused = await ask(setup.long, { query: '{ __typename }', headers })
      expect(others(failed)).toEqual(others(refused))
      expect(answers[0]).toEqual(['/graphql', 'POST', 500])
      expect(lines.slice(0, 2)).toMatchObject([
        { requestId, message: 'unexpected error' },
        { requestId, message: 'request completed', path: '/graphql', status: 500 },
      ])
    },
  )
})
