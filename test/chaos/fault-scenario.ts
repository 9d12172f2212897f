/** Hundreds of uploads while Stream fails and gateways die: what was promised, and what was kept. */
import { setTimeout as pause } from 'node:timers/promises'
import { isTerminal } from '../../src/uploads/upload.ts'
import {
  type Differences,
  type KnownUpload,
  compareBooks,
  isEqual,
  readBooks,
} from './compare-state.ts'
import { planItems, statusAtRest } from './creator-plans.ts'
import { lookOn } from './observer.ts'
import { chanceFrom } from './seed.ts'
import { type Setup, setSetup } from './setup.ts'
import { type Subscriber, brokenPromises, subscribe } from './subscriber.ts'
import { type Travelled, travel } from './creator-scenario.ts'
import { type Struck, type TroubleOptions, makeTrouble } from './fault-plan.ts'

export interface StormOptions extends TroubleOptions {
  readonly seed: number
  readonly uploads: number
  readonly pace: number
  readonly encodeMs: number
  /** After the storm, everything must be right within this. */
  readonly restWithinMs: number
}

export interface StormOutcome {
  readonly options: StormOptions
  readonly travelled: readonly Travelled[]
  readonly differences: Differences
  /** Everything that was lost, shown wrongly or done twice, as sentences. */
  readonly losses: readonly string[]
  readonly kills: number
  readonly aimedKills: number
  /** Notices that each gateway answered. */
  readonly notices: readonly number[]
  /** How often callers were asked to come again later, by code. */
  readonly putOff: ReadonlyMap<string, number>
  /** How many changes those were shown who watch all uploads, one at each gateway. */
  readonly changesShown: number
  /** References of orphans deleted at Stream, as often as a gateway said so. */
  readonly orphans: readonly string[]
  readonly struck: Struck
  readonly requests: Readonly<Record<string, number>>
  readonly messages: ReadonlyMap<string, number>
  readonly reservedSeconds: { readonly gateway: number; readonly stream: number }
  /** Milliseconds of the storm, until all creators were done, and until all was right. */
  readonly took: { readonly storm: number; readonly creators: number; readonly rest: number }
}

/** A storm over one gateway. */
export async function runStorm(options: StormOptions): Promise<StormOutcome> {
  const setup = await setSetup({ ...options, patienceMs: options.overMs + options.restWithinMs })
  try {
    return await raiseStorm(setup, options)
  } finally {
    await setup.end()
  }
}

export async function raiseStorm(setup: Setup, options: StormOptions): Promise<StormOutcome> {
  const { seed, uploads, overMs, restWithinMs } = options
  const subscribers: Subscriber[] = []
  const onlookers = setup.gateways.map((_, place) =>
    lookOn(setup.adminAt(place), place % 2 === 0 ? 'SSE' : 'WebSocket'),
  )
  try {
    const start = Date.now()
    const items = planItems(chanceFrom(seed), uploads, overMs * 0.8)
    const travelling = Promise.all(items.map((item) => travel(setup, item, subscribers)))
    const { struck, aimed } = await makeTrouble(setup, seed, options)
    const storm = Date.now() - start
    // A storm is over when all that it killed stand again, which a busy machine makes late.
    const deadline = start + Math.max(overMs, storm) + restWithinMs
    const travelled = await travelling
    const creators = Date.now() - start
    const { books, differences } = await untilRest(
      setup,
      deadline,
      uploads,
      (known) =>
        subscribers.every((one) => isTold(one, known)) &&
        onlookers.every((one) => one.missing(known).length === 0),
    )
    const rest = Date.now() - start
    for (const subscriber of subscribers) subscriber.stop()
    const { gateways, front } = setup
    const uploadsByUid = new Map(books.uploads.map((upload) => [upload.uid, upload]))
    return {
      options,
      travelled,
      differences,
      losses: [
        ...lossesAmong(travelled, uploadsByUid),
        ...lossesInBooks(differences),
        ...subscribers.flatMap(brokenPromises),
        ...onlookers.flatMap((one) => [...one.broken, ...one.missing(books.uploads)]),
        ...(await misled(setup, books.uploads)),
        ...setup.surprises.map((surprise) => `unexpected: ${surprise}`),
        ...gateways.flatMap(({ url, failures }) => failures.map((one) => `${url} failed: ${one}`)),
      ],
      kills: gateways.reduce((sum, { kills }) => sum + kills(), 0),
      aimedKills: aimed,
      notices: gateways.map(({ url }) => front.answered.get(url) ?? 0),
      putOff: setup.putOff,
      changesShown: onlookers.reduce((sum, { shown }) => sum + shown(), 0),
      orphans: gateways.flatMap(({ orphans }) => orphans),
      struck,
      requests: books.stream.requests,
      messages: sumsOf(gateways.map(({ messages }) => messages)),
      reservedSeconds: { gateway: books.reservedSeconds, stream: books.stream.reservedSeconds },
      took: { storm, creators, rest },
    }
  } finally {
    for (const watching of [...subscribers, ...onlookers]) watching.stop()
  }
}

function sumsOf(counts: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const [name, times] of counts.flatMap((one) => [...one])) {
    sums.set(name, (sums.get(name) ?? 0) + times)
  }
  return sums
}

/** Reads both books until they agree and every subscription has ended that should, or it is too late. */
async function untilRest(
  setup: Setup,
  deadline: number,
  expected: number,
  isEachTold: (uploads: readonly KnownUpload[]) => boolean,
) {
  for (;;) {
    const books = await readBooks(setup)
    const differences = compareBooks(books)
    const moving = books.uploads.filter(
      ({ status }) => status === 'QUEUED' || status === 'IN_PROGRESS',
    )
    const atRest = moving.length === 0 && books.uploads.length >= expected
    const told = isEachTold(books.uploads)
    if ((isEqual(differences) && atRest && told) || Date.now() > deadline) {
      return { books, differences }
    }
    await pause(500)
  }
}

/** Whether the last state that it was shown is the last there was while it watched. */
function isTold({ uid, connections }: Subscriber, uploads: readonly KnownUpload[]): boolean {
  const last = connections.at(-1)?.at(-1)
  if (last === undefined) return false
  return isTerminal(last.status) || last.version === uploads.find((one) => one.uid === uid)?.version
}

function lossesAmong(
  travelled: readonly Travelled[],
  uploads: ReadonlyMap<string, KnownUpload>,
): string[] {
  return travelled.flatMap(({ journey: item, uids, subscriber }) => {
    const name = `${item.key} (${item.ending}, ${item.protocol})`
    if (uids.size === 0) return [`${name} was never minted`]
    if (uids.size > 1) return [`${name} was minted as ${[...uids].join(' and ')}`]
    const losses: string[] = []
    for (const uid of uids) {
      const upload = uploads.get(uid)
      if (upload === undefined) return [`${name}: the gateway lost ${uid}`]
      const right = statusAtRest(item)
      if (upload.status !== right) losses.push(`${name}: ${uid} is ${upload.status}, not ${right}`)
      if (subscriber !== null && !isTold(subscriber, [upload])) {
        losses.push(`${name}: the subscriber of ${uid} was not told of version ${upload.version}`)
      }
    }
    return losses
  })
}

function lossesInBooks(differences: Differences): string[] {
  const { wrongStatus, unknownVideos, twiceForOneKey, reservedTooMuch } = differences
  return [
    ...wrongStatus,
    ...unknownVideos.map((video) => `the gateway does not know ${video}`),
    ...twiceForOneKey.map((key) => `two uploads for ${key}`),
    ...(reservedTooMuch === 0 ? [] : [`${reservedTooMuch} s too much are reserved`]),
  ]
}

/** Whoever comes now must be shown the final state at once, and nothing after it. */
async function misled(setup: Setup, uploads: readonly KnownUpload[]): Promise<string[]> {
  const wrong: string[] = []
  const left = [...uploads]
  async function takeTurns(): Promise<void> {
    for (let upload = left.pop(); upload !== undefined; upload = left.pop()) {
      const late = subscribe(
        setup.adminAt(left.length),
        upload.uid,
        left.length % 2 === 0 ? 'SSE' : 'WebSocket',
      )
      const firstShown = async (): Promise<void> => {
        while (late.connections.length === 0) await pause(5)
      }
      const enough = isTerminal(upload.status) ? late.done : firstShown()
      const inTime = await Promise.race([enough.then(() => true), pause(5000, false)])
      late.stop()
      const shown = late.connections.flat().map(({ status, version }) => `${version} ${status}`)
      if (!inTime || shown.join() !== `${upload.version} ${upload.status}`) {
        wrong.push(`${upload.uid} is ${upload.version} ${upload.status}, shown was ${shown.join()}`)
      }
    }
  }
  await Promise.all(Array.from({ length: 10 }, takeTurns))
  return wrong
}
