/** Runs all inputs against a gateway process and checks its responses, uploads, log and memory. */
import { setTimeout as pause } from 'node:timers/promises'
import { createAttack } from './attack.ts'
import { createConnection } from './connection.ts'
import { type BaselineOutcome, startBaselineClient } from './baseline-client.ts'
import { scrape } from '../kit/metrics.ts'
import { requestInput } from './input.ts'
import { type Setup, startSetup } from './setup.ts'
import type { Totals } from './counts.ts'
import { maxPerMinute, readCreatedUploads, uploadViolations } from './created-uploads.ts'
import type { ProcessState } from './instrumented-process.ts'

export interface BatteryOptions {
  readonly seed: number
  readonly inputs: number
  readonly createsPerMinute: number
  /** Whether caches are filled before memory is measured; filling them is then not growth. */
  readonly fillsCaches: boolean
}

export interface BatteryOutcome {
  readonly options: BatteryOptions
  readonly totalsByFamily: ReadonlyMap<string, Totals>
  /** All violations, as sentences. */
  readonly violations: readonly string[]
  readonly baseline: BaselineOutcome
  readonly before: ProcessState
  readonly after: ProcessState
  readonly created: {
    readonly uploads: number
    readonly max: number
    readonly allowed: number
  }
  /** Number of log lines by message. */
  readonly messages: ReadonlyMap<string, number>
  readonly durationMs: number
}

/** The first part warms up the gateway; memory growth is measured after it. */
const WARM_UP_SHARE = 0.15
/** More than the maximum number of documents and of errors in Yoga's caches. */
const CACHE_ENTRIES = 1100
/** Time until the gateway has noticed that all clients have disconnected. Metrics are up to one second old. */
const DISCONNECT_MS = 2500

export async function runBattery(options: BatteryOptions): Promise<BatteryOutcome> {
  const { seed, inputs, createsPerMinute, fillsCaches } = options
  const startedAt = performance.now()
  const setup = await startSetup(createsPerMinute)
  const { gateway, rules, unexpectedErrors } = setup
  try {
    const attack = createAttack(setup, seed)
    const baseline = startBaselineClient(setup.port, setup.baselineAuthorization)

    async function measure(): Promise<ProcessState> {
      if (fillsCaches) await fillCaches(setup.port, setup.baselineAuthorization)
      await pause(fillsCaches ? DISCONNECT_MS : 0)
      return gateway.state()
    }

    const warmUp = Math.round(inputs * WARM_UP_SHARE)
    await attack.send(warmUp)
    const before = await measure()
    await attack.send(inputs - warmUp)
    const baselineOutcome = await baseline.end()
    const after = await measure()
    const inFlight = await requestsInFlight(gateway.url)

    const max = maxPerMinute(gateway.createdTimes)
    const allowed = rules.createsPerMinute * rules.callers
    const uploadIssues = await checkUploads(setup)
    return {
      options,
      totalsByFamily: attack.totalsByFamily(),
      violations: counted([
        ...attack.violations,
        ...gateway.failures,
        ...unexpectedErrors.map((unexpectedError) => `The administrator got ${unexpectedError}`),
        ...baselineOutcome.wrong.map((response) => `The baseline client got ${response}`),
        ...uploadIssues,
        ...(inFlight > 0
          ? [`${inFlight} requests are in flight after all clients have disconnected`]
          : []),
        ...(max > allowed ? [`${max} uploads were created in a minute, limit ${allowed}`] : []),
      ]),
      baseline: baselineOutcome,
      before,
      after,
      created: { uploads: gateway.createdTimes.length, max, allowed },
      messages: gateway.messages,
      durationMs: performance.now() - startedAt,
    }
  } finally {
    await setup.end()
  }
}

/** Waits for requests of clients that have just disconnected, then returns the number in flight. */
async function requestsInFlight(url: string): Promise<number> {
  const read = async (): Promise<number> => (await scrape(url)).value('headgate_requests_in_flight')
  const deadline = performance.now() + DISCONNECT_MS
  let inFlight = await read()
  while (inFlight > 0 && performance.now() < deadline) {
    await pause(50)
    inFlight = await read()
  }
  return inFlight
}

/** Returns the violations of all uploads, or the error of listing them, which an upload can cause. */
async function checkUploads(setup: Setup): Promise<string[]> {
  try {
    const uploads = await readCreatedUploads(await setup.admin())
    const uploadIssues = uploadViolations(uploads, await setup.emulator.state(), setup.rules)
    return uploadIssues.map((issue) => `The upload ${issue}`)
  } catch (error) {
    return [`Reading the uploads failed: ${String(error)}`]
  }
}

/** Ids and timestamps, in which messages about the same failure differ. */
const INCIDENTAL = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|"time":\d+,/g

/** Returns each sentence once, with the number of its occurrences. */
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

/** Fills Yoga's caches with small documents, so that their size does not depend on earlier inputs. */
async function fillCaches(port: number, authorization: string): Promise<void> {
  const connection = createConnection(port)
  const headers = [
    ['Content-Type', 'application/json'],
    ['Authorization', authorization],
  ] as const
  for (let index = 0; index < CACHE_ENTRIES; index += 1) {
    for (const query of [`{ __typename } # ${index}`, `{ # ${index}`]) {
      await connection.send(
        requestInput({ path: '/graphql', headers, body: JSON.stringify({ query }) }),
      )
    }
  }
  connection.close()
}
