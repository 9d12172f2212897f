/**
 * The hub: one Durable Object per deployment. It delivers changes to subscribers, keeps the rate
 * limits, and runs sync while uploads are watched.
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
import { PING, PONG } from './hub-subscription.ts'
import { openPersistentRateLimiter } from './persistent-rate-limiter.ts'
import { type HubSubscribers, createHubSubscribers } from './hub-subscribers.ts'
import { createWorkerLogger } from '../logger.ts'
import { openDependencies } from '../dependencies.ts'
import type { WorkerWebSocket, DurableObjectState } from '../runtime-types.ts'

/** Pause between two sync runs while uploads are watched, in milliseconds. */
const SYNC_INTERVAL_MS = 1000

type SyncRunner = () => Promise<SyncReport>

export class Hub extends DurableObject<WorkerEnvironment> implements HubRpc {
  readonly #subscribers: HubSubscribers
  readonly #watchRegistry: WatchRegistry
  readonly #rateLimiter: Promise<RateLimiter>
  /** Runs one sync; null until created, and again after a failed creation. */
  #syncRunner: Promise<SyncRunner> | null = null
  /** The last sync run; runs are sequential. */
  #lastRun: Promise<unknown> = Promise.resolve()

  constructor(ctx: DurableObjectState, env: WorkerEnvironment) {
    super(ctx, env)
    this.#subscribers = createHubSubscribers(ctx)
    this.#watchRegistry = createSubscriberWatchRegistry(this.#subscribers)
    this.#rateLimiter = ctx.blockConcurrencyWhile(() => openPersistentRateLimiter(ctx.storage))
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
        const runner = await this.#openSyncRunner()
        return await runner()
      } finally {
        // Also sets an alarm again that was lost.
        await this.#scheduleRun()
      }
    })
    this.#lastRun = run.catch(() => undefined)
    return run
  }

  /** Runs one sync. The runtime keeps the alarm while the object is evicted. */
  async alarm(): Promise<void> {
    try {
      await this.runSync()
    } catch (error) {
      logOf(this.env).error({ err: error }, 'sync run failed; retried in the next run')
    }
    if (!(await this.#scheduleRun()))
      logOf(this.env).debug({}, 'no upload is watched; sync stopped')
  }

  /** The runtime removes a closed socket from the subscribers. */
  webSocketClose(socket: WorkerWebSocket): void {
    logOf(this.env).debug({ topics: this.ctx.getTags(socket) }, 'hub subscription closed')
  }

  webSocketError(): void {}

  /** Schedules the next sync run. Returns false if no upload is watched. */
  async #scheduleRun(): Promise<boolean> {
    const { storage } = this.ctx
    // The alarm is checked first: listing all subscribers is slow.
    if ((await storage.getAlarm()) !== null) return true
    if (this.#watchRegistry.watchedUids(new Date()).size === 0) return false
    await storage.setAlarm(Date.now() + SYNC_INTERVAL_MS)
    return true
  }

  /** Delivers terminal statuses again to subscribers that are still connected, and so missed them. */
  async #resendTerminal({ store }: Pick<Dependencies, 'store'>): Promise<void> {
    for (const upload of await store.findMany(this.#subscribers.watchedUids())) {
      if (isTerminal(upload.status)) this.#subscribers.resend(hubMessageOf(upload))
    }
  }

  #openSyncRunner(): Promise<SyncRunner> {
    this.#syncRunner ??= this.#createSyncRunner().catch((error: unknown) => {
      this.#syncRunner = null
      throw error
    })
    return this.#syncRunner
  }

  async #createSyncRunner(): Promise<SyncRunner> {
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
    return async () => {
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
