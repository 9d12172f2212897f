/**
 * The account's one webhook.
 * https://developers.cloudflare.com/stream/manage-video-library/using-webhooks/
 */
import { randomBytes } from 'node:crypto'

import type { EmulatorDatabase } from '../state/database.ts'

export interface Webhook {
  readonly notificationUrl: string
  /** 32 hex digits; signs the notices as the text that it is. */
  readonly secret: string
  /** Milliseconds since 1970. */
  readonly modified: number
}

interface WebhookRow {
  readonly notification_url: string
  readonly secret: string
  readonly modified: number
}

/** Keeps the subscription across restarts. */
export class WebhookBook {
  readonly #database: EmulatorDatabase

  constructor(database: EmulatorDatabase) {
    this.#database = database
  }

  /** Null where the account has none. */
  find(): Webhook | null {
    const row = this.#database.prepare<[], WebhookRow>('SELECT * FROM webhook WHERE one = 1').get()
    if (row === undefined) return null
    return { notificationUrl: row.notification_url, secret: row.secret, modified: row.modified }
  }

  /** Replaces the subscription. The same URL keeps its secret; another one rotates it. */
  set(notificationUrl: string, now: number): Webhook {
    const present = this.find()
    const secret =
      present?.notificationUrl === notificationUrl
        ? present.secret
        : randomBytes(16).toString('hex')
    this.#database
      .prepare(
        `INSERT OR REPLACE INTO webhook (one, notification_url, secret, modified)
         VALUES (1, ?, ?, ?)`,
      )
      .run(notificationUrl, secret, now)
    return { notificationUrl, secret, modified: now }
  }

  /** False where there was none. */
  remove(): boolean {
    return this.#database.prepare('DELETE FROM webhook').run().changes === 1
  }
}
