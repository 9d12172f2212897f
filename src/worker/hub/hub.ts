/**
 * The hub: one Durable Object per deployment. It delivers changes to subscribers and callbacks to the application,
 * keeps the rate limits, and runs sync while uploads are watched.
 */
import { DurableObject, waitUntil } from 'cloudflare:workers'
import type { Consumption, RateWindow, RateLimiter } from '../../uploads/ports/rate-limiter.ts'
import {
  type HubMessage,
  hubMessageOf,
  createHubPubSub,
} from '../../pubsub/durable-object-pubsub.ts'
import { runMeasuredSync } from '../../uploads/sync/sync-loop.ts'
import type { Dependencies } from '../../uploads/dependencies.ts'
import type { Logger } from '../../shared/logger.ts'
import { createSynchronizer } from '../../uploads/sync/synchronizer.ts'
import { type SyncReport } from '../../uploads/ports/telemetry.ts'
import { isTerminal } from '../../uploads/upload.ts'
import { createWatchRegistry } from '../../uploads/watch/watch-registry.ts'
import { type WatchRegistry } from '../../uploads/ports/watch-registry.ts'
import { readWorkerConfig } from '../config.ts'
import type { WorkerEnvironment } from '../environment.ts'
import type { HubRpc } from '../hub-rpc.ts'
import { type HubCallbacks, createHubCallbacks } from './hub-callbacks.ts'
import { PING, PONG } from './hub-subscription.ts'
import { openPersistentRateLimiter } from './persistent-rate-limiter.ts'
import { type HubSubscribers, createHubSubscribers } from './hub-subscribers.ts'
import { createWorkerLogger } from '../logger.ts'
import { openDependencies } from '../dependencies.ts'
import type { WorkerWebSocket, DurableObjectState } from '../runtime-types.ts'

/** Pause between two sync runs while uploads are watched, in milliseconds. */
const SYNC_INTERVAL_MS = 1000

/** Wait before callbacks of a change are delivered, in milliseconds: other changes may follow. */
const COLLECT_MS = 100

type SyncRunner = () => Promise<SyncReport>

interface Background {
  readonly sync: SyncRunner
  /** Null without callbacks. */
  readonly callbacks: HubCallbacks | null
}

export class Hub extends DurableObject<WorkerEnvironment> implements HubRpc {
  readonly #subscribers: HubSubscribers
  readonly #watchRegistry: WatchRegistry
  readonly #rateLimiter: Promise<RateLimiter>
  readonly #hasCallbacks: boolean
  /** The background work; null until created, and again after a failed creation. */
  #background: Promise<Background> | null = null
  /** Start of the last sync run, in milliseconds since 1970. */
  #syncedAt = 0
  /** The last sync run; runs are sequential. */
  #lastRun: Promise<unknown> = Promise.resolve()

  constructor(ctx: DurableObjectState, env: WorkerEnvironment) {
    super(ctx, env)
    this.#subscribers = createHubSubscribers(ctx)
    this.#watchRegistry = createSubscriberWatchRegistry(this.#subscribers)
    this.#rateLimiter = ctx.blockConcurrencyWhile(() => openPersistentRateLimiter(ctx.storage))
    const outcome = readWorkerConfig(env)
    this.#hasCallbacks = outcome.kind === 'config' && outcome.config.callbacks !== null
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG))
  }

  /** Subscribes to the topic in the URL. The WebSocket receives changes from the response on. */
  async fetch(request: Request): Promise<Response> {
    const topic = new URL(request.url).searchParams.get('topic') ?? ''
    const { 0: clientSocket, 1: serverSocket } = new WebSocketPair()
    this.#subscribers.add(topic, serverSocket)
    await this.#scheduleRun()
    const init = { status: 101, webSocket: clientSocket }
    return new Response(null, init)
  }

  async publish(changes: readonly HubMessage[]): Promise<void> {
    this.#subscribers.publish(changes)
    if (this.#hasCallbacks) await this.#scheduleAlarm(Date.now() + COLLECT_MS)
  }

  async consume(key: string, within: readonly RateWindow[]): Promise<Consumption> {
    return (await this.#rateLimiter).consume(key, within)
  }

  async giveBack(key: string, at: number): Promise<void> {
    return (await this.#rateLimiter).giveBack(key, at)
  }

  async block(key: string, milliseconds: number): Promise<void> {
    return (await this.#rateLimiter).block(key, milliseconds)
  }

  async countConsumed(key: string, spanMs: number): Promise<number> {
    return (await this.#rateLimiter).countConsumed(key, spanMs)
  }

  async recordView(uid: string): Promise<void> {
    this.#watchRegistry.recordView(uid, new Date())
    await this.#scheduleRun()
  }

  runSync(): Promise<SyncReport> {
    const run = this.#lastRun.then(async () => {
      try {
        const { sync } = await this.#openBackground()
        this.#syncedAt = Date.now()
        return await sync()
      } finally {
        // Also sets an alarm again that was lost.
        await this.#scheduleRun()
        if (this.#hasCallbacks) await this.#scheduleAlarm(Date.now() + COLLECT_MS)
      }
    })
    this.#lastRun = run.catch(() => undefined)
    return run
  }

  /** Starts to deliver callbacks, and runs one sync if it is due. The runtime keeps the alarm while the object is evicted. */
  async alarm(): Promise<void> {
    try {
      const { callbacks } = await this.#openBackground()
      callbacks?.deliver()
      if (this.#isSyncDue()) await this.runSync()
    } catch (error) {
      logOf(this.env).error({ err: error }, 'sync run failed; retried in the next run')
    }
    if (!(await this.#scheduleRun()))
      logOf(this.env).debug({}, 'no upload is watched; sync stopped')
  }

  /** An alarm for callbacks may come earlier than the next sync run. */
  #isSyncDue(): boolean {
    return Date.now() - this.#syncedAt >= SYNC_INTERVAL_MS
  }

  /** The runtime removes a closed socket from the subscribers. */
  webSocketClose(socket: WorkerWebSocket): void {
    logOf(this.env).debug({ topics: this.ctx.getTags(socket) }, 'hub subscription closed')
  }

  webSocketError(): void {}

  /** Schedules the next sync run. Returns false if no upload is watched. */
  async #scheduleRun(): Promise<boolean> {
    const { storage } = this.ctx
    const at = Date.now() + SYNC_INTERVAL_MS
    const alarm = await storage.getAlarm()
    // The alarm is checked first: listing all subscribers is slow.
    if (alarm !== null && alarm <= at) return true
    if (this.#watchRegistry.watchedUids(new Date()).size === 0) return false
    await storage.setAlarm(at)
    return true
  }

  /** Sets the alarm, unless it is set for an earlier time. */
  async #scheduleAlarm(at: number): Promise<void> {
    const alarm = await this.ctx.storage.getAlarm()
    if (alarm === null || alarm > at) await this.ctx.storage.setAlarm(at)
  }

  /** Delivers terminal statuses again to subscribers that are still connected, and so missed them. */
  async #resendTerminal({ store }: Pick<Dependencies, 'store'>): Promise<void> {
    for (const upload of await store.findMany(this.#subscribers.watchedUids())) {
      if (isTerminal(upload.status)) this.#subscribers.resend(hubMessageOf(upload))
    }
  }

  #openBackground(): Promise<Background> {
    this.#background ??= this.#createBackground().catch((error: unknown) => {
      this.#background = null
      throw error
    })
    return this.#background
  }

  async #createBackground(): Promise<Background> {
    const outcome = readWorkerConfig(this.env)
    if (outcome.kind === 'errors') throw new Error(outcome.errors.join(' '))
    const log = createWorkerLogger(outcome.config.logLevel)
    const pubsub = createHubPubSub({
      hub: {
        publish: (changes) => this.publish(changes),
        subscribe: () => Promise.reject(new Error('The hub cannot subscribe to itself.')),
      },
      keepAlive: waitUntil,
      failed: (error) => log.error({ err: error }, 'publishing changes to subscribers failed'),
    })
    const { dependencies } = await openDependencies(outcome.config, {
      pubsub,
      rateLimiter: await this.#rateLimiter,
      watchRegistry: this.#watchRegistry,
      log,
    })
    const synchronizer = createSynchronizer({
      ...dependencies,
      stream: dependencies.backgroundStream,
    })
    const sync = async (): Promise<SyncReport> => {
      let report: SyncReport
      try {
        report = await runMeasuredSync(dependencies, synchronizer)
        await synchronizer.idle()
        await this.#resendTerminal(dependencies)
      } finally {
        this.#subscribers.rotate()
      }
      if (report.changed + report.orphansDeleted > 0) {
        const { polled, changed, orphansDeleted } = report
        log.debug({ polled, changed, orphansDeleted }, 'sync run completed')
      }
      return report
    }
    const callbacks = createHubCallbacks(outcome.config.callbacks, dependencies, (at) =>
      this.#scheduleAlarm(at),
    )
    return { sync, callbacks }
  }
}

/** Counts an upload as watched while it has subscribers, and for a while after a view. */
function createSubscriberWatchRegistry(subscribers: HubSubscribers): WatchRegistry {
  const registry = createWatchRegistry()
  return {
    ...registry,
    watchedUids: (now) => new Set([...subscribers.watchedUids(), ...registry.watchedUids(now)]),
  }
}

function logOf(environment: WorkerEnvironment): Logger {
  const outcome = readWorkerConfig(environment)
  return createWorkerLogger(outcome.kind === 'config' ? outcome.config.logLevel : 'info')
}
