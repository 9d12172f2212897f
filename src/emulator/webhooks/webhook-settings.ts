/**
 * Stores the account's one webhook.
 * https://developers.cloudflare.com/stream/manage-video-library/using-webhooks/
 */
import { randomBytes } from 'node:crypto'

import type { EmulatorDatabase } from '../state/database.ts'

export interface Webhook {
  readonly notificationUrl: string
  /** 32 hex digits. The text itself, not the decoded bytes, is the HMAC key. */
  readonly secret: string
  /** Milliseconds since 1970. */
  readonly modified: number
}

interface WebhookRow {
  readonly notification_url: string
  readonly secret: string
  readonly modified: number
}

/** Persists the webhook across restarts. */
export class WebhookSettings {
  readonly #database: EmulatorDatabase

  constructor(database: EmulatorDatabase) {
    this.#database = database
  }

  /** Returns null when the account has no webhook. */
  find(): Webhook | null {
    const row = this.#database.prepare<[], WebhookRow>('SELECT * FROM webhook WHERE one = 1').get()
    if (row === undefined) return null
    return { notificationUrl: row.notification_url, secret: row.secret, modified: row.modified }
  }

  /** Replaces the webhook. The same URL keeps its secret; another URL gets a new one. */
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

  /** Returns false when the account had no webhook. */
  remove(): boolean {
    return this.#database.prepare('DELETE FROM webhook').run().changes === 1
  }
}
