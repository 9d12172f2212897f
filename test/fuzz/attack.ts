/** Generates inputs of all families and sends them over concurrent connections. */
import * as fc from 'fast-check'
import { type Connection, createConnection } from './connection.ts'
import { type Outcome, sendAndDrop, sendMessages, sendRaw } from './send-input.ts'
import { families } from './families.ts'
import type { Input } from './input.ts'
import { violationsOf, describeResponse, describeInput } from './check-response.ts'
import type { Setup } from './setup.ts'
import { type Counter, type Totals, createCounter } from './counts.ts'

/** Number of concurrent connections. */
const CONCURRENCY = 32
/** Inputs generated at a time; limited because some inputs are large. */
const DRAW_SIZE = 500
/** Limit of recorded violations, because a broken gateway could fail on every input. */
const MAX_VIOLATIONS = 200

export interface Attack {
  /** Sends this number of inputs. */
  send(inputs: number): Promise<void>
  totalsByFamily(): ReadonlyMap<string, Totals>
  /** Each input that led to a violation, with the response. */
  readonly violations: readonly string[]
}

interface DrawnInput {
  readonly family: string
  readonly input: Input
}

export function createAttack({ port, fixtures, secrets, gateway }: Setup, seed: number): Attack {
  const sources = families.map(({ name, share, inputs }) => ({
    name,
    share,
    arbitrary: inputs(fixtures),
  }))
  const counters = new Map<string, Counter>(families.map(({ name }) => [name, createCounter()]))
  const violations: string[] = []
  /** Number of draws; gives each draw its own seed. */
  let draws = 0

  function* drawInputs(count: number): Generator<DrawnInput> {
    for (let sent = 0; sent < count;) {
      const drawn = Math.min(DRAW_SIZE, count - sent)
      // Rounded so that each family gets its share over many draws.
      for (const { name, share, arbitrary } of sources) {
        const numRuns = wholePart(drawn, share, draws)
        draws += 1
        if (numRuns === 0) continue
        for (const input of fc.sample(arbitrary, { numRuns, seed: seed + draws * 7919 })) {
          yield { family: name, input }
          sent += 1
        }
      }
    }
  }

  async function sendInput(connection: Connection, { family, input }: DrawnInput): Promise<void> {
    const outcome = await dispatch(port, connection, input)
    counters.get(family)?.count(outcome)
    if (violations.length >= MAX_VIOLATIONS) return
    for (const violation of new Set(violationsOf(input, outcome, secrets))) {
      const response = describeResponse(outcome)
      violations.push(`${family}: ${violation}. Sent ${describeInput(input)}, received ${response}`)
    }
  }

  async function worker(queue: Generator<DrawnInput>): Promise<void> {
    const connection = createConnection(port)
    try {
      for (let next = queue.next(); next.done !== true; next = queue.next()) {
        // No more requests after the gateway process has exited.
        if (!gateway.isRunning()) return
        await sendInput(connection, next.value)
      }
    } finally {
      connection.close()
    }
  }

  return {
    violations,
    totalsByFamily: () => new Map([...counters].map(([name, counter]) => [name, counter.totals()])),
    async send(inputs) {
      const queue = drawInputs(inputs)
      await Promise.all(Array.from({ length: CONCURRENCY }, () => worker(queue)))
    },
  }
}

/** Returns `share` thousandths of `of`, rounded up or down depending on `drawIndex`. */
function wholePart(of: number, share: number, drawIndex: number): number {
  const exact = (of * share) / 1000
  const whole = Math.floor(exact)
  return (drawIndex * 0.618_034) % 1 < exact - whole ? whole + 1 : whole
}

function dispatch(port: number, connection: Connection, input: Input): Promise<Outcome> {
  switch (input.kind) {
    case 'request':
      return connection.send(input)
    case 'raw':
      return sendRaw(port, input)
    case 'drop':
      return sendAndDrop(port, input)
    case 'socket':
      return sendMessages(port, input)
  }
}
