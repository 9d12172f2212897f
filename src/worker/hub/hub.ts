/**
 * The hub: one Durable Object in which all of a deployment's requests meet. It passes changes on,
 * counts what is allowed, and asks Stream after uploads while somebody watches them.
 */
import { DurableObject, waitUntil } from 'cloudflare:workers'
import type { Allowance, Allowances } from '../../uploads/ports/rate-limiter.ts'
import { type HubChange, changeOf, createHubEvents } from '../../pubsub/durable-object-pubsub.ts'
import { measuredRound } from '../../uploads/sync/sync-loop.ts'
import type { Log, Parts } from '../../uploads/dependencies.ts'
import { type SyncReport, createSynchroniser } from '../../uploads/sync/synchronizer.ts'
import { isTerminal } from '../../uploads/upload.ts'
import { type Watchers, createWatchers } from '../../uploads/watch/watch-registry.ts'
import { readWorkerConfig } from '../config.ts'
import type { WorkerEnvironment } from '../environment.ts'
import type { HubCalls } from '../hub-rpc.ts'
import { ARE_YOU_THERE, I_AM } from './hub-subscription.ts'
import { openKeptAllowances } from './persistent-rate-limiter.ts'
import { type Listeners, createListeners } from './hub-subscribers.ts'
import { createWorkerLog } from '../logger.ts'
import { openParts } from '../dependencies.ts'
import type { EndOfSocket, ObjectState } from '../runtime-types.ts'

/** Pause between two rounds while somebody watches, in milliseconds. */
const ROUND_MS = 1000

type Round = () => Promise<SyncReport>

export class Hub extends DurableObject<WorkerEnvironment> implements HubCalls {
  readonly #listeners: Listeners
  readonly #watchers: Watchers
  readonly #allowances: Promise<Allowances>
  /** What runs a round; null until it is made, and again where it could not be. */
  #rounds: Promise<Round> | null = null
  /** Rounds come one after the other, whoever asks for them. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(ctx: ObjectState, env: WorkerEnvironment) {
    super(ctx, env)
    this.#listeners = createListeners(ctx)
    this.#watchers = watchersOf(this.#listeners)
    this.#allowances = ctx.blockConcurrencyWhile(() => openKeptAllowances(ctx.storage))
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(ARE_YOU_THERE, I_AM))
  }

  /** A request to listen: its WebSocket hears of the topic that it names from the answer on. */
  async fetch(request: Request): Promise<Response> {
    const topic = new URL(request.url).searchParams.get('topic') ?? ''
    const { 0: theirs, 1: ours } = new WebSocketPair()
    this.#listeners.add(topic, ours)
    await this.#keepRounds()
    const changed = { status: 101, webSocket: theirs }
    return new Response(null, changed)
  }

  async tell(changes: readonly HubChange[]): Promise<void> {
    this.#listeners.tell(changes)
  }

  async take(key: string, within: readonly Allowance[]): Promise<number | null> {
    return (await this.#allowances).take(key, within)
  }

  async hold(key: string, milliseconds: number): Promise<void> {
    return (await this.#allowances).hold(key, milliseconds)
  }

  async taken(key: string, spanMs: number): Promise<number> {
    return (await this.#allowances).taken(key, spanMs)
  }

  async glance(uid: string): Promise<void> {
    this.#watchers.glance(uid, new Date())
    await this.#keepRounds()
  }

  round(): Promise<SyncReport> {
    const round = this.#last.then(async () => {
      try {
        const run = await this.#openRounds()
        return await run()
      } finally {
        // Also where an alarm was lost.
        await this.#keepRounds()
      }
    })
    this.#last = round.catch(() => undefined)
    return round
  }

  /** Set whenever somebody watches: the runtime keeps it, though the object be gone from memory by then. */
  async alarm(): Promise<void> {
    try {
      await this.round()
    } catch (error) {
      logOf(this.env).error({ err: error }, 'synchronisation failed; the next round tries again')
    }
    if (!(await this.#keepRounds())) logOf(this.env).debug({}, 'nobody watches any more')
  }

  /** Whoever has gone hears no more. */
  webSocketClose(socket: EndOfSocket): void {
    logOf(this.env).debug({ topics: this.ctx.getTags(socket) }, 'a listener left')
  }

  webSocketError(): void {}

  /** False where nobody watches. */
  async #keepRounds(): Promise<boolean> {
    const { storage } = this.ctx
    // Looked at first: to go through all who listen takes its time.
    if ((await storage.getAlarm()) !== null) return true
    if (this.#watchers.watched(new Date()).size === 0) return false
    await storage.setAlarm(Date.now() + ROUND_MS)
    return true
  }

  /** Whoever still listens to an upload that has ended was not told: the end is passed on again. */
  async #remind({ store }: Pick<Parts, 'store'>): Promise<void> {
    for (const upload of await store.findMany(this.#listeners.watched())) {
      if (isTerminal(upload.status)) this.#listeners.remind(changeOf(upload))
    }
  }

  #openRounds(): Promise<Round> {
    this.#rounds ??= this.#createRounds().catch((error: unknown) => {
      this.#rounds = null
      throw error
    })
    return this.#rounds
  }

  async #createRounds(): Promise<Round> {
    const outcome = readWorkerConfig(this.env)
    if (outcome.kind === 'mistakes') throw new Error(outcome.mistakes.join(' '))
    const log = createWorkerLog(outcome.config.logLevel)
    const events = createHubEvents({
      hub: {
        tell: (changes) => this.tell(changes),
        listen: () => Promise.reject(new Error('Nobody listens to the hub from within.')),
      },
      keepAlive: waitUntil,
      failed: (error) => log.error({ err: error }, 'changes were not passed on'),
    })
    const { parts } = await openParts(outcome.config, {
      events,
      allowances: await this.#allowances,
      watchers: this.#watchers,
      log,
    })
    const synchroniser = createSynchroniser({ ...parts, stream: parts.backgroundStream })
    return async () => {
      let report: SyncReport
      try {
        report = await measuredRound(parts, synchroniser)
        await synchroniser.idle()
        await this.#remind(parts)
      } finally {
        this.#listeners.age()
      }
      if (report.changed + report.orphans > 0) log.debug(report, 'synchronised')
      return report
    }
  }
}

/** Those who listen to an upload watch it, besides those who looked lately. */
function watchersOf(listeners: Listeners): Watchers {
  const own = createWatchers()
  return { ...own, watched: (now) => new Set([...listeners.watched(), ...own.watched(now)]) }
}

function logOf(environment: WorkerEnvironment): Log {
  const outcome = readWorkerConfig(environment)
  return createWorkerLog(outcome.kind === 'config' ? outcome.config.logLevel : 'info')
}
