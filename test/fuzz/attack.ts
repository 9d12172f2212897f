/** Draws inputs of all families and sends them, many at a time. */
import * as fc from 'fast-check'
import { type Connection, createConnection } from './connection.ts'
import { type Outcome, exchangeDropped, exchangeMessages, exchangeRaw } from './exchange.ts'
import { families } from './families.ts'
import type { Input } from './input.ts'
import { brokenPromises, describeAnswer, describeInput } from './check-response.ts'
import type { Setup } from './setup.ts'
import { type Counter, type Tally, createCounter } from './counts.ts'

/** Connections that are open at any moment. */
const AT_ONCE = 32
/** Inputs that are drawn at once: few, since some of them are large. */
const DRAWN_AT_ONCE = 500
/** A run that breaks everything would say the same thing a thousand times. */
const MAX_VIOLATIONS = 200

export interface Attack {
  /** Sends so many more. */
  send(inputs: number): Promise<void>
  tallies(): ReadonlyMap<string, Tally>
  /** Each input that broke a promise, with what it was answered. */
  readonly violations: readonly string[]
}

interface Shot {
  readonly family: string
  readonly input: Input
}

export function createAttack({ port, scene, secrets, gateway }: Setup, seed: number): Attack {
  const sources = families.map(({ name, share, inputs }) => ({
    name,
    share,
    arbitrary: inputs(scene),
  }))
  const counters = new Map<string, Counter>(families.map(({ name }) => [name, createCounter()]))
  const violations: string[] = []
  /** Counts the draws, so that each has a seed of its own. */
  let draws = 0

  function* shots(count: number): Generator<Shot> {
    for (let sent = 0; sent < count;) {
      const drawn = Math.min(DRAWN_AT_ONCE, count - sent)
      // Rounded so that over many draws each family has its share.
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

  async function serve(connection: Connection, { family, input }: Shot): Promise<void> {
    const outcome = await exchange(port, connection, input)
    counters.get(family)?.count(outcome)
    if (violations.length >= MAX_VIOLATIONS) return
    for (const broken of new Set(brokenPromises(input, outcome, secrets))) {
      const answer = describeAnswer(outcome)
      violations.push(`${family}: ${broken}. Sent ${describeInput(input)}, heard ${answer}`)
    }
  }

  async function takeTurns(queue: Generator<Shot>): Promise<void> {
    const connection = createConnection(port)
    try {
      for (let next = queue.next(); next.done !== true; next = queue.next()) {
        // A dead gateway would be asked in vain a hundred thousand times.
        if (!gateway.lives()) return
        await serve(connection, next.value)
      }
    } finally {
      connection.close()
    }
  }

  return {
    violations,
    tallies: () => new Map([...counters].map(([name, counter]) => [name, counter.tally()])),
    async send(inputs) {
      const queue = shots(inputs)
      await Promise.all(Array.from({ length: AT_ONCE }, () => takeTurns(queue)))
    },
  }
}

/** A share in thousandths, rounded down or up in turn. */
function wholePart(of: number, share: number, turn: number): number {
  const exact = (of * share) / 1000
  const whole = Math.floor(exact)
  return (turn * 0.618_034) % 1 < exact - whole ? whole + 1 : whole
}

function exchange(port: number, connection: Connection, input: Input): Promise<Outcome> {
  switch (input.kind) {
    case 'ask':
      return connection.ask(input)
    case 'raw':
      return exchangeRaw(port, input)
    case 'drop':
      return exchangeDropped(port, input)
    case 'socket':
      return exchangeMessages(port, input)
  }
}
