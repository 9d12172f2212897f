/** `headgate webhook`: looks after the account's one webhook at Stream. */
import { readStreamConfig } from '../config/node-config.ts'
import type { StreamBackend } from '../uploads/ports/stream-api.ts'
import { createRestBackend } from '../stream/rest/rest-stream-api.ts'
import { configured } from './read-config.ts'
import { showControls } from '../shared/terminal-controls.ts'

const DOOR = '/webhooks/stream'

/** Null (said on standard error) where no account is configured. */
function account(): StreamBackend | null {
  const stream = configured(readStreamConfig)
  if (stream === null) return null
  if (stream.kind === 'account') {
    const { accountId, apiToken, baseURL } = stream
    return createRestBackend({ accountId, apiToken, baseUrl: baseURL })
  }
  process.stderr.write(
    'headgate: set CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN: the emulator looks after its own webhook.\n',
  )
  return null
}

export async function showWebhook(): Promise<number> {
  const stream = account()
  if (stream === null) return 1
  const webhook = await stream.findWebhook()
  process.stdout.write(
    webhook === null
      ? 'Stream sends its notices nowhere: `headgate webhook set URL`.\n'
      : `Stream sends its notices to ${showControls(webhook.notificationURL)}\n`,
  )
  return 0
}

/** Refuses to take the account's one webhook from somebody else, unless told to. */
export async function setWebhook(address: string, force: boolean): Promise<number> {
  const target = targetOf(address)
  if (target === null) {
    process.stderr.write('headgate: give an http(s) URL such as https://uploads.example.com\n')
    return 1
  }
  const stream = account()
  if (stream === null) return 1
  const present = await stream.findWebhook()
  if (present !== null && present.notificationURL !== target && !force) {
    process.stderr.write(
      `headgate: Stream sends its notices to ${showControls(present.notificationURL)}, and an account has one webhook only.\n` +
        '  --force takes it from there; its secret changes then.\n',
    )
    return 1
  }
  const { secret } = await stream.setWebhook(target)
  process.stdout.write(
    `Stream sends its notices to ${target}\n\nexport STREAM_WEBHOOK_SECRET=${showControls(secret)}\n\n` +
      'Give this to the gateway: it verifies the notices with it.\n',
  )
  return 0
}

export async function deleteWebhook(): Promise<number> {
  const stream = account()
  if (stream === null) return 1
  const deleted = await stream.deleteWebhook()
  process.stdout.write(
    deleted ? 'Stream sends its notices nowhere now.\n' : 'There was no webhook to delete.\n',
  )
  return 0
}

/** An origin alone means the gateway's own door there. */
function targetOf(address: string): string | null {
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address)) return null
  const url = new URL(address)
  if (url.pathname === '/') url.pathname = DOOR
  return url.href
}
