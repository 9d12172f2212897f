/**
 * Delivers the webhooks of the outbox, one per video when its processing ends. Failed deliveries
 * (unreachable, or no 2xx) are retried up to five times with increasing delays. The retries are the
 * emulator's choice: Stream does not document its own.
 */
import { setTimeout as wait } from 'node:timers/promises'

import type { Fault, Faults } from '../faults.ts'
import { WebhookOutbox, type OutboxEntry } from './outbox.ts'
import { sendWebhook } from './send-webhook.ts'
import type { AdjustableClock } from '../clock.ts'
import type { Settings } from '../settings.ts'
import type { EmulatorDatabase } from '../state/database.ts'
import type { VideoLibrary } from '../state/video-library.ts'
import { videoJson } from '../state/video-json.ts'
import type { Webhook, WebhookSettings } from './webhook-settings.ts'

/** Delay before each retry, on the emulator's clock, in milliseconds. */
const RETRY_DELAYS_MS = [500, 2000, 10_000, 60_000, 300_000]

/** Deliveries at the same time. Thousands may be due after the receiver or the emulator was down. */
const MAX_SENDING = 50

/** Longest wait of a reordered webhook for another to be delivered first, in milliseconds. */
const REORDER_MS = 2000

/** Longest sleep in milliseconds, because an injected clock may jump without an event. */
const MAX_SLEEP_MS = 1000

interface DispatcherDependencies {
  readonly clock: AdjustableClock
  readonly closing: AbortSignal
  readonly database: EmulatorDatabase
  readonly faults: Faults
  readonly library: VideoLibrary
  readonly onError: (error: unknown) => void
  readonly settings: Settings
  readonly webhook: WebhookSettings
}

export class WebhookDispatcher {
  readonly #dependencies: DispatcherDependencies
  readonly #outbox: WebhookOutbox
  readonly #sending = new Map<string, Promise<void>>()
  /** Uids of reordered webhooks, which wait until another is delivered. */
  readonly #reordered = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(dependencies: DispatcherDependencies) {
    this.#dependencies = dependencies
    this.#outbox = new WebhookOutbox(dependencies.database)
  }

  /** Returns the undelivered webhooks, earliest first. */
  pending(): OutboxEntry[] {
    return this.#outbox.all()
  }

  /** Delivers due webhooks and sleeps until the next. Callers call it whenever one may be due. */
  wake(): void {
    clearTimeout(this.#timer)
    if (this.#dependencies.closing.aborted) return
    try {
      const now = this.#dependencies.clock.now()
      for (const entry of this.#outbox.due(now, MAX_SENDING)) {
        if (this.#sending.size === MAX_SENDING) break
        if (!this.#sending.has(entry.uid)) this.#start(entry)
      }
      const next = this.#outbox.nextAfter(now)
      if (next !== null) this.#wakeIn(Math.min(next - now, MAX_SLEEP_MS))
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Resolves when no delivery is running. Undelivered webhooks stay in the outbox. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await Promise.all(this.#sending.values())
  }

  #start(entry: OutboxEntry): void {
    this.#sending.set(entry.uid, this.#attempt(entry))
  }

  async #attempt(entry: OutboxEntry): Promise<void> {
    try {
      await this.#deliver(entry)
    } catch (error) {
      this.#sending.delete(entry.uid)
      this.#failed(error)
      return
    }
    this.#sending.delete(entry.uid)
    this.wake()
  }

  /**
   * Handles a failure of the database; errors while the emulator closes are ignored. Retries
   * after a pause: on a full disk, one webhook would otherwise be delivered endlessly.
   */
  #failed(error: unknown): void {
    if (this.#dependencies.closing.aborted) return
    this.#dependencies.onError(error)
    this.#wakeIn(MAX_SLEEP_MS)
  }

  #wakeIn(milliseconds: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.wake(), milliseconds)
  }

  async #deliver(entry: OutboxEntry): Promise<void> {
    const { clock, faults, library, settings, webhook } = this.#dependencies
    const subscription = webhook.find()
    const video = library.find(entry.uid)
    // No webhook is configured or the video is deleted: the entry is dropped, as at Stream.
    if (subscription === null || video === null) {
      this.#outbox.remove(entry.uid)
      return
    }
    const wasReordered = this.#reordered.delete(entry.uid)
    const fault = wasReordered ? null : faults.take('webhook')
    if (fault?.reorder === true) {
      this.#reordered.add(entry.uid)
      this.#outbox.postpone(entry.uid, clock.now() + REORDER_MS, entry.attempts)
      return
    }
    const body = JSON.stringify(videoJson(video, settings.publicUrl, clock.now()))
    if (await this.#send(subscription, body, fault)) {
      this.#outbox.remove(entry.uid)
      this.#release()
    } else this.#retryLater(entry)
  }

  /** Resolves to true when the webhook counts as delivered. */
  async #send(webhook: Webhook, body: string, fault: Fault | null): Promise<boolean> {
    const { closing } = this.#dependencies
    if (fault?.delayMs !== undefined) await wait(fault.delayMs, undefined, { signal: closing })
    if (fault?.drop === true) return true
    if (fault?.hangUp === true || fault?.status !== undefined) return false
    for (let extra = 1; extra < (fault?.duplicate ?? 1); extra += 1) {
      await sendWebhook(webhook, body, closing)
    }
    const accepted = await sendWebhook(webhook, body, closing)
    closing.throwIfAborted()
    // The receiver's response is lost: the receiver has the webhook and gets it again.
    return fault?.hangUpAfter === true ? false : accepted
  }

  #retryLater(entry: OutboxEntry): void {
    const delay = RETRY_DELAYS_MS[entry.attempts]
    if (delay === undefined) this.#outbox.remove(entry.uid)
    else {
      const dueAt = this.#dependencies.clock.now() + delay
      this.#outbox.postpone(entry.uid, dueAt, entry.attempts + 1)
    }
  }

  /** Makes reordered webhooks due after another was delivered. */
  #release(): void {
    if (this.#reordered.size === 0) return
    const held = this.#outbox.all().filter((entry) => this.#reordered.has(entry.uid))
    for (const entry of held) this.#outbox.postpone(entry.uid, 0, entry.attempts)
  }
}
