/** `headgate webhook`: shows, sets and deletes the account's one webhook at Stream. */
import type { StreamApi } from '../uploads/ports/stream-api.ts'
import { createRestStreamApi } from '../stream/rest/rest-stream-api.ts'
import { readAccount } from './read-account.ts'
import { escapeControls } from '../shared/terminal-controls.ts'

const WEBHOOK_PATH = '/webhooks/stream'

function openAccount(): StreamApi | null {
  const account = readAccount('The webhook of the emulator is set automatically.')
  return account === null ? null : createRestStreamApi(account)
}

export async function showWebhook(): Promise<number> {
  const stream = openAccount()
  if (stream === null) return 1
  const webhook = await stream.findWebhook()
  process.stdout.write(
    webhook === null
      ? 'No webhook is set. Run `headgate webhook set URL`.\n'
      : `Stream sends webhooks to ${escapeControls(webhook.notificationURL)}\n`,
  )
  return 0
}

/** Replaces a webhook that points to another URL only with `force`; else returns 1. */
export async function setWebhook(address: string, force: boolean): Promise<number> {
  const target = targetOf(address)
  if (target === null) {
    process.stderr.write(
      'headgate: invalid URL. Use an http(s) URL such as https://uploads.example.com\n',
    )
    return 1
  }
  const stream = openAccount()
  if (stream === null) return 1
  const current = await stream.findWebhook()
  if (current !== null && current.notificationURL !== target && !force) {
    process.stderr.write(
      `headgate: Stream sends webhooks to ${escapeControls(current.notificationURL)}, and an account has only one webhook.\n` +
        '  Use --force to replace it. Its secret changes then.\n',
    )
    return 1
  }
  const { secret } = await stream.setWebhook(target)
  process.stdout.write(
    `Stream sends webhooks to ${target}\n\nexport STREAM_WEBHOOK_SECRET=${escapeControls(secret)}\n\n` +
      'Set this variable for the gateway, which verifies webhooks with it.\n',
  )
  return 0
}

export async function deleteWebhook(): Promise<number> {
  const stream = openAccount()
  if (stream === null) return 1
  const deleted = await stream.deleteWebhook()
  process.stdout.write(deleted ? 'Webhook deleted.\n' : 'No webhook is set.\n')
  return 0
}

/** Adds the gateway's webhook path to a bare origin. Returns null if the text is no http(s) URL. */
function targetOf(address: string): string | null {
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address)) return null
  const url = new URL(address)
  if (url.pathname === '/') url.pathname = WEBHOOK_PATH
  return url.href
}
