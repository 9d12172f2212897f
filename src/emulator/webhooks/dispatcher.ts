/**
 * Sends the notices, when processing ends and at no other time. A receiver that cannot be reached or
 * does not answer 2xx is tried again a few times, further and further apart: that is our choice,
 * since Stream's own retries are not documented.
 */
import { setTimeout as wait } from 'node:timers/promises'

import type { Fault } from '../faults.ts'
import { NoticesOwed, type OwedNotice } from './outbox.ts'
import { sendNotice } from './send-webhook.ts'
import type { EmulatorParts } from '../dependencies.ts'
import { videoJson } from '../state/video-json.ts'
import type { Webhook } from './webhook-settings.ts'

/** Between one attempt and the next, on the emulator's clock, in milliseconds. */
const RETRY_AFTER_MS = [500, 2000, 10_000, 60_000, 300_000]

/** How long a reordered notice lets others go first before it goes by itself, in milliseconds. */
const REORDER_MS = 2000

/** A clock that was handed in may jump without telling: look at least this often, in milliseconds. */
const LONGEST_SLEEP_MS = 1000

type NotifierParts = Pick<
  EmulatorParts,
  'clock' | 'closing' | 'database' | 'faults' | 'library' | 'onError' | 'settings' | 'webhook'
>

export class Notifier {
  readonly #parts: NotifierParts
  readonly #owed: NoticesOwed
  readonly #sending = new Map<string, Promise<void>>()
  /** Notices that wait for another one to go first. */
  readonly #held = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(parts: NotifierParts) {
    this.#parts = parts
    this.#owed = new NoticesOwed(parts.database)
  }

  /** What is still to be sent, soonest first. */
  owed(): OwedNotice[] {
    return this.#owed.all()
  }

  /** Sends what is due and sleeps until the next. To be called whenever something may be due. */
  wake(): void {
    clearTimeout(this.#timer)
    if (this.#parts.closing.aborted) return
    try {
      const now = this.#parts.clock.now()
      for (const notice of this.#owed.due(now)) {
        if (!this.#sending.has(notice.uid)) this.#start(notice)
      }
      const next = this.#owed.nextAfter(now)
      if (next !== null) this.#wakeIn(Math.min(next - now, LONGEST_SLEEP_MS))
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Resolves once nothing is being sent any more; what is owed then stays owed. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await Promise.all(this.#sending.values())
  }

  #start(notice: OwedNotice): void {
    this.#sending.set(notice.uid, this.#attempt(notice))
  }

  async #attempt(notice: OwedNotice): Promise<void> {
    try {
      await this.#deliver(notice)
    } catch (error) {
      this.#sending.delete(notice.uid)
      this.#failed(error)
      return
    }
    this.#sending.delete(notice.uid)
    this.wake()
  }

  /**
   * The database failed, or the emulator is closing. What is owed stays owed, and is not tried again
   * at once: a full disk would have one notice delivered without end.
   */
  #failed(error: unknown): void {
    if (this.#parts.closing.aborted) return
    this.#parts.onError(error)
    this.#wakeIn(LONGEST_SLEEP_MS)
  }

  #wakeIn(milliseconds: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.wake(), milliseconds)
  }

  async #deliver(notice: OwedNotice): Promise<void> {
    const { clock, faults, library, settings, webhook } = this.#parts
    const subscription = webhook.find()
    const video = library.find(notice.uid)
    // Nobody listens, or the video is gone: Stream keeps nothing for later either.
    if (subscription === null || video === null) {
      this.#owed.settle(notice.uid)
      return
    }
    const wasHeld = this.#held.delete(notice.uid)
    const fault = wasHeld ? null : faults.take('webhook')
    if (fault?.reorder === true) {
      this.#held.add(notice.uid)
      this.#owed.postpone(notice.uid, clock.now() + REORDER_MS, notice.attempts)
      return
    }
    const body = JSON.stringify(videoJson(video, settings.publicUrl, clock.now()))
    if (await this.#send(subscription, body, fault)) {
      this.#owed.settle(notice.uid)
      this.#release()
    } else this.#retryLater(notice)
  }

  /** True where the notice counts as delivered. */
  async #send(webhook: Webhook, body: string, fault: Fault | null): Promise<boolean> {
    const { closing } = this.#parts
    if (fault?.delayMs !== undefined) await wait(fault.delayMs, undefined, { signal: closing })
    if (fault?.drop === true) return true
    if (fault?.hangUp === true || fault?.status !== undefined) return false
    for (let extra = 1; extra < (fault?.duplicate ?? 1); extra += 1) {
      await sendNotice(webhook, body, closing)
    }
    const taken = await sendNotice(webhook, body, closing)
    closing.throwIfAborted()
    // The receiver's answer is lost on the way: it has the notice, and will get it again.
    return fault?.hangUpAfter === true ? false : taken
  }

  #retryLater(notice: OwedNotice): void {
    const pause = RETRY_AFTER_MS[notice.attempts]
    if (pause === undefined) this.#owed.settle(notice.uid)
    else {
      const dueAt = this.#parts.clock.now() + pause
      this.#owed.postpone(notice.uid, dueAt, notice.attempts + 1)
    }
  }

  /** Another notice has gone: those that were to come after it go now. */
  #release(): void {
    const held = this.#owed.all().filter((notice) => this.#held.has(notice.uid))
    for (const notice of held) this.#owed.postpone(notice.uid, 0, notice.attempts)
  }
}
