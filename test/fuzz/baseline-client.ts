/** Somebody who asks for something ordinary all the while, and must not notice anything. */
import { setTimeout as pause } from 'node:timers/promises'
import { createConnection } from './connection.ts'
import { ask } from './input.ts'

export interface HonestCaller {
  /** Stops asking. */
  end(): Promise<HonestOutcome>
}

export interface HonestOutcome {
  readonly asked: number
  readonly slowestMs: number
  /** Answers that were others than they should be. */
  readonly wrong: readonly string[]
}

const EVERY_MS = 100
const BODY = '{"query":"{ uploads(first: 1) { totalCount } }"}'

export function startHonestCaller(port: number, authorization: string): HonestCaller {
  const connection = createConnection(port)
  const wrong: string[] = []
  let asked = 0
  let slowestMs = 0
  const over = new AbortController()

  async function goOn(): Promise<void> {
    while (!over.signal.aborted) {
      const outcome = await connection.ask(
        ask({
          path: '/graphql',
          headers: [
            ['Content-Type', 'application/json'],
            ['Authorization', authorization],
          ],
          body: BODY,
        }),
      )
      asked += 1
      slowestMs = Math.max(slowestMs, outcome.tookMs)
      const [text = ''] = outcome.texts
      if (!text.endsWith('{"data":{"uploads":{"totalCount":0}}}')) {
        wrong.push(`${outcome.end} ${outcome.statuses.join()} ${text.slice(-200)}`)
      }
      await pause(EVERY_MS)
    }
    connection.close()
  }

  const asking = goOn()
  return {
    async end() {
      over.abort()
      await asking
      return { asked, slowestMs, wrong }
    },
  }
}
