/** A client that sends valid requests during the run; hostile inputs must not affect its responses. */
import { setTimeout as pause } from 'node:timers/promises'
import { createConnection } from './connection.ts'
import { requestInput } from './input.ts'

export interface BaselineClient {
  /** Stops sending requests. */
  end(): Promise<BaselineOutcome>
}

export interface BaselineOutcome {
  readonly requestCount: number
  readonly slowestMs: number
  /** Unexpected responses. */
  readonly wrong: readonly string[]
}

const INTERVAL_MS = 100
const BODY = '{"query":"{ uploads(first: 1) { totalCount } }"}'

export function startBaselineClient(port: number, authorization: string): BaselineClient {
  const connection = createConnection(port)
  const wrong: string[] = []
  let requestCount = 0
  let slowestMs = 0
  const stopped = new AbortController()

  async function sendRequests(): Promise<void> {
    while (!stopped.signal.aborted) {
      const outcome = await connection.send(
        requestInput({
          path: '/graphql',
          headers: [
            ['Content-Type', 'application/json'],
            ['Authorization', authorization],
          ],
          body: BODY,
        }),
      )
      requestCount += 1
      slowestMs = Math.max(slowestMs, outcome.durationMs)
      const [text = ''] = outcome.texts
      if (!text.endsWith('{"data":{"uploads":{"totalCount":0}}}')) {
        wrong.push(`${outcome.end} ${outcome.statuses.join()} ${text.slice(-200)}`)
      }
      await pause(INTERVAL_MS)
    }
    connection.close()
  }

  const sending = sendRequests()
  return {
    async end() {
      stopped.abort()
      await sending
      return { requestCount, slowestMs, wrong }
    },
  }
}
