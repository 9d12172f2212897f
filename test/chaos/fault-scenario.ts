/** Runs hundreds of uploads while Stream fails and gateways are killed, and checks every guarantee. */
import { setTimeout as pause } from 'node:timers/promises'
import { isTerminal } from '../../src/uploads/upload.ts'
import {
  type Differences,
  type KnownUpload,
  compareStates,
  hasNoDifferences,
  readStates,
} from './compare-state.ts'
import { finalStatus, planExpiringUploads, planUploads } from './creator-plans.ts'
import { observeAll } from './observer.ts'
import { chanceFrom } from './seed.ts'
import { type Setup, startSetup } from './setup.ts'
import { type Subscriber, violationsOf, subscribe } from './subscriber.ts'
import { type CreatorResult, runCreatorScenario } from './creator-scenario.ts'
import { type AppliedFaults, type FaultOptions, injectFaults } from './fault-plan.ts'

export interface FaultScenarioOptions extends FaultOptions {
  readonly seed: number
  readonly uploads: number
  /** Further uploads that expire: the run waits for them. @default 0 */
  readonly expiringUploads?: number
  readonly pace: number
  readonly encodeMs: number
  /** Maximum time after the last fault until the states agree. */
  readonly agreeWithinMs: number
}

export interface FaultScenarioOutcome {
  readonly options: FaultScenarioOptions
  readonly creatorResults: readonly CreatorResult[]
  readonly differences: Differences
  /** Every lost upload, wrong state or duplicate, as a sentence. */
  readonly losses: readonly string[]
  readonly kills: number
  readonly killedDuringCreate: number
  /** Webhooks delivered to each gateway. */
  readonly webhooks: readonly number[]
  /** Responses that asked the client to retry later, by error code. */
  readonly retryLater: ReadonlyMap<string, number>
  /** Events received by the subscribers to all uploads, one at each gateway. */
  readonly eventsReceived: number
  /** References of orphans deleted at Stream, one entry per log line. */
  readonly orphans: readonly string[]
  readonly applied: AppliedFaults
  readonly requests: Readonly<Record<string, number>>
  readonly messages: ReadonlyMap<string, number>
  readonly reservedSeconds: { readonly gateway: number; readonly stream: number }
  /** Milliseconds until the last fault, until all creators had finished, and until the states agreed. */
  readonly durationsMs: {
    readonly faults: number
    readonly creators: number
    readonly rest: number
  }
}

/** Runs the scenario with one gateway. */
export async function runFaultScenario(
  options: FaultScenarioOptions,
): Promise<FaultScenarioOutcome> {
  const setup = await startSetup({ ...options, timeoutMs: options.overMs + options.agreeWithinMs })
  try {
    return await runFaultScenarioWith(setup, options)
  } finally {
    await setup.end()
  }
}

export async function runFaultScenarioWith(
  setup: Setup,
  options: FaultScenarioOptions,
): Promise<FaultScenarioOutcome> {
  const { seed, uploads, expiringUploads = 0, overMs, agreeWithinMs } = options
  const subscribers: Subscriber[] = []
  const observers = setup.gateways.map((_, index) =>
    observeAll(setup.adminAt(index), index % 2 === 0 ? 'SSE' : 'WebSocket'),
  )
  try {
    const start = Date.now()
    const plans = [
      ...planUploads(chanceFrom(seed), uploads, overMs * 0.8),
      ...planExpiringUploads(expiringUploads),
    ]
    const runningCreators = Promise.all(
      plans.map((plan) => runCreatorScenario(setup, plan, subscribers)),
    )
    const { applied, killedDuringCreate } = await injectFaults(setup, seed, options)
    const faults = Date.now() - start
    // The faults end when all killed gateways have restarted, which takes longer on a busy machine.
    const deadline = start + Math.max(overMs, faults) + agreeWithinMs
    const creatorResults = await runningCreators
    const creators = Date.now() - start
    const { states, differences } = await waitUntilAgreement(
      setup,
      deadline,
      plans.length,
      (known) =>
        subscribers.every((subscriber) => isUpToDate(subscriber, known)) &&
        observers.every((observer) => observer.missing(known).length === 0),
    )
    const rest = Date.now() - start
    for (const subscriber of subscribers) subscriber.stop()
    const { gateways, webhookProxy } = setup
    const uploadsByUid = new Map(states.uploads.map((upload) => [upload.uid, upload]))
    return {
      options,
      creatorResults,
      differences,
      losses: [
        ...lossesOfCreators(creatorResults, uploadsByUid),
        ...lossesOfDifferences(differences),
        ...subscribers.flatMap(violationsOf),
        ...observers.flatMap((observer) => [
          ...observer.broken,
          ...observer.missing(states.uploads),
        ]),
        ...(await checkNewSubscribers(setup, states.uploads)),
        ...setup.unexpectedErrors.map((unexpectedError) => `unexpected: ${unexpectedError}`),
        ...gateways.flatMap(({ url, failures }) =>
          failures.map((failure) => `${url} failed: ${failure}`),
        ),
      ],
      kills: gateways.reduce((sum, { kills }) => sum + kills(), 0),
      killedDuringCreate,
      webhooks: gateways.map(({ url }) => webhookProxy.deliveries.get(url) ?? 0),
      retryLater: setup.retryLater,
      eventsReceived: observers.reduce((sum, { received }) => sum + received(), 0),
      orphans: gateways.flatMap(({ orphans }) => orphans),
      applied,
      requests: states.stream.requests,
      messages: sumsOf(gateways.map(({ messages }) => messages)),
      reservedSeconds: { gateway: states.reservedSeconds, stream: states.stream.reservedSeconds },
      durationsMs: { faults, creators, rest },
    }
  } finally {
    for (const watching of [...subscribers, ...observers]) watching.stop()
  }
}

function sumsOf(counts: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const [name, times] of counts.flatMap((countsByName) => [...countsByName])) {
    sums.set(name, (sums.get(name) ?? 0) + times)
  }
  return sums
}

/** Reads both states until they agree and all subscribers are up to date, or until the deadline. */
async function waitUntilAgreement(
  setup: Setup,
  deadline: number,
  expected: number,
  areAllUpToDate: (uploads: readonly KnownUpload[]) => boolean,
) {
  for (;;) {
    const states = await readStates(setup)
    const differences = compareStates(states)
    const encoding = states.uploads.filter(
      ({ status }) => status === 'QUEUED' || status === 'IN_PROGRESS',
    )
    const isDone = encoding.length === 0 && states.uploads.length >= expected
    const upToDate = areAllUpToDate(states.uploads)
    if ((hasNoDifferences(differences) && isDone && upToDate) || Date.now() > deadline) {
      return { states, differences }
    }
    await pause(500)
  }
}

/** Whether the subscriber received a terminal status or the current version of its upload. */
function isUpToDate({ uid, connections }: Subscriber, uploads: readonly KnownUpload[]): boolean {
  const last = connections.at(-1)?.at(-1)
  if (last === undefined) return false
  return (
    isTerminal(last.status) ||
    last.version === uploads.find((upload) => upload.uid === uid)?.version
  )
}

function lossesOfCreators(
  creatorResults: readonly CreatorResult[],
  uploads: ReadonlyMap<string, KnownUpload>,
): string[] {
  return creatorResults.flatMap(({ plan, uids, subscriber }) => {
    const name = `${plan.key} (${plan.ending}, ${plan.protocol})`
    if (uids.size === 0) return [`${name} was never created`]
    if (uids.size > 1) return [`${name} was created as ${[...uids].join(' and ')}`]
    const losses: string[] = []
    for (const uid of uids) {
      const upload = uploads.get(uid)
      if (upload === undefined) return [`${name}: the gateway lost ${uid}`]
      const expected = finalStatus(plan)
      if (upload.status !== expected)
        losses.push(`${name}: ${uid} is ${upload.status}, not ${expected}`)
      if (subscriber !== null && !isUpToDate(subscriber, [upload])) {
        losses.push(`${name}: the subscriber of ${uid} did not receive version ${upload.version}`)
      }
    }
    return losses
  })
}

function lossesOfDifferences(differences: Differences): string[] {
  const { wrongStatus, unknownVideos, duplicateKeys, excessReservedSeconds } = differences
  return [
    ...wrongStatus,
    ...unknownVideos.map((video) => `the gateway does not know ${video}`),
    ...duplicateKeys.map((key) => `two uploads for ${key}`),
    ...(excessReservedSeconds === 0 ? [] : [`${excessReservedSeconds} s too much are reserved`]),
  ]
}

/** Subscribes to each upload again: a new subscriber must immediately receive only the final state. */
async function checkNewSubscribers(
  setup: Setup,
  uploads: readonly KnownUpload[],
): Promise<string[]> {
  const violations: string[] = []
  const remaining = [...uploads]
  async function worker(): Promise<void> {
    for (let upload = remaining.pop(); upload !== undefined; upload = remaining.pop()) {
      const newSubscriber = subscribe(
        setup.adminAt(remaining.length),
        upload.uid,
        remaining.length % 2 === 0 ? 'SSE' : 'WebSocket',
      )
      const firstReceived = async (): Promise<void> => {
        while (newSubscriber.connections.length === 0) await pause(5)
      }
      const ready = isTerminal(upload.status) ? newSubscriber.done : firstReceived()
      const inTime = await Promise.race([ready.then(() => true), pause(5000, false)])
      newSubscriber.stop()
      const received = newSubscriber.connections
        .flat()
        .map(({ status, version }) => `${version} ${status}`)
      if (!inTime || received.join() !== `${upload.version} ${upload.status}`) {
        violations.push(
          `${upload.uid} is ${upload.version} ${upload.status}, received ${received.join()}`,
        )
      }
    }
  }
  await Promise.all(Array.from({ length: 10 }, worker))
  return violations
}
