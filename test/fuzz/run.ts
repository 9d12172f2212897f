/** The battery from its first input to the last look at what it left behind. */
import { setTimeout as pause } from 'node:timers/promises'
import { createAttack } from './attack.ts'
import { createConnection } from './connection.ts'
import { type HonestOutcome, startHonestCaller } from './baseline-client.ts'
import { scrape } from '../kit/metrics.ts'
import { ask } from './input.ts'
import { type Setup, setSetup } from './setup.ts'
import type { Tally } from './counts.ts'
import { forbiddenUploads, mostInOneMinute, readUploads } from './created-uploads.ts'
import type { ProcessState } from './instrumented-process.ts'

export interface BatteryOptions {
  readonly seed: number
  readonly inputs: number
  readonly createsPerMinute: number
  /** Whether caches are filled before memory is measured, so that growth means growth. */
  readonly fillsCaches: boolean
}

export interface BatteryOutcome {
  readonly options: BatteryOptions
  readonly tallies: ReadonlyMap<string, Tally>
  /** Whatever broke a promise, of any kind. */
  readonly violations: readonly string[]
  readonly honest: HonestOutcome
  readonly before: ProcessState
  readonly after: ProcessState
  readonly minted: {
    readonly uploads: number
    readonly most: number
    readonly allowed: number
  }
  /** Lines of the log by message. */
  readonly messages: ReadonlyMap<string, number>
  readonly tookMs: number
}

/** The first part warms the gateway up: memory is compared with what it needs then. */
const WARM_UP_SHARE = 0.15
/** Documents and errors that Yoga remembers at most, each, and some more. */
const REMEMBERED = 1100
/** Until the gateway has seen that nobody is there any more. */
const SETTLE_MS = 1000

export async function runBattery(options: BatteryOptions): Promise<BatteryOutcome> {
  const { seed, inputs, createsPerMinute, fillsCaches } = options
  const startedAt = performance.now()
  const setup = await setSetup(createsPerMinute)
  const { gateway, rules, unexpectedErrors } = setup
  try {
    const attack = createAttack(setup, seed)
    const honest = startHonestCaller(setup.port, setup.honest)

    async function measure(): Promise<ProcessState> {
      if (fillsCaches) await fillCaches(setup.port, setup.honest)
      await pause(fillsCaches ? SETTLE_MS : 0)
      return gateway.state()
    }

    const warmUp = Math.round(inputs * WARM_UP_SHARE)
    await attack.send(warmUp)
    const before = await measure()
    await attack.send(inputs - warmUp)
    const honestOutcome = await honest.end()
    const after = await measure()
    const inFlight = await requestsInFlight(gateway.url)

    const most = mostInOneMinute(gateway.mintedAt)
    const allowed = rules.createsPerMinute * rules.callers
    const forbidden = await lookAtUploads(setup)
    return {
      options,
      tallies: attack.tallies(),
      violations: counted([
        ...attack.violations,
        ...gateway.failures,
        ...unexpectedErrors.map(
          (unexpectedError) => `An administrator was answered ${unexpectedError}`,
        ),
        ...honestOutcome.wrong.map((answer) => `An honest caller was answered ${answer}`),
        ...forbidden,
        ...(inFlight > 0 ? [`${inFlight} requests are in flight when all clients have gone`] : []),
        ...(most > allowed ? [`${most} uploads were minted in a minute, over ${allowed}`] : []),
      ]),
      honest: honestOutcome,
      before,
      after,
      minted: { uploads: gateway.mintedAt.length, most, allowed },
      messages: gateway.messages,
      tookMs: performance.now() - startedAt,
    }
  } finally {
    await setup.end()
  }
}

/** Those of clients that have just gone may still be ending. */
async function requestsInFlight(url: string): Promise<number> {
  const read = async (): Promise<number> => (await scrape(url)).value('headgate_requests_in_flight')
  const until = performance.now() + SETTLE_MS
  let inFlight = await read()
  while (inFlight > 0 && performance.now() < until) {
    await pause(50)
    inFlight = await read()
  }
  return inFlight
}

/** What is wrong with any upload, or with the list of them: an upload may be one that breaks it. */
async function lookAtUploads(setup: Setup): Promise<string[]> {
  try {
    const uploads = await readUploads(await setup.admin())
    const forbidden = forbiddenUploads(uploads, await setup.emulator.state(), setup.rules)
    return forbidden.map((issue) => `The upload ${issue}`)
  } catch (error) {
    return [`The uploads could not be read: ${String(error)}`]
  }
}

/** Ids and times, by which one and the same failure is another each time. */
const INCIDENTAL = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|"time":\d+,/g

/** Each once, with how often it came. */
function counted(sentences: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const sentence of sentences) {
    const plain = sentence.replaceAll(INCIDENTAL, '')
    counts.set(plain, (counts.get(plain) ?? 0) + 1)
  }
  return [...counts].map(([sentence, count]) =>
    count === 1 ? sentence : `${count} times: ${sentence}`,
  )
}

/** What Yoga remembers of documents is as large each time, whatever was asked before. */
async function fillCaches(port: number, authorization: string): Promise<void> {
  const connection = createConnection(port)
  const headers = [
    ['Content-Type', 'application/json'],
    ['Authorization', authorization],
  ] as const
  for (let index = 0; index < REMEMBERED; index += 1) {
    for (const query of [`{ __typename } # ${index}`, `{ # ${index}`]) {
      await connection.ask(ask({ path: '/graphql', headers, body: JSON.stringify({ query }) }))
    }
  }
  connection.close()
}
