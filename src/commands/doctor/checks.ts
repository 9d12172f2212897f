/** Checks of `headgate doctor` for Stream, webhook and authentication; read-only. */
import type { Config } from '../../config/node-config.ts'
import type { StreamApi } from '../../uploads/ports/stream-api.ts'
import { StreamError } from '../../uploads/ports/stream-error.ts'

/** One line of the output: the subject, its state, and the fix. */
export interface CheckResult {
  /** Only `error` makes the command fail. */
  readonly state: 'ok' | 'warning' | 'error'
  readonly subject: 'Configuration' | 'Database' | 'Stream' | 'Webhook' | 'Callers'
  readonly sentence: string
}

const JWKS_TIMEOUT_MS = 5000

/** @param stream null with the embedded emulator */
export async function checkStream(
  { stream: config }: Config,
  stream: StreamApi | null,
): Promise<CheckResult> {
  const subject = 'Stream'
  if (stream === null || config.kind === 'emulator') {
    return { state: 'ok', subject, sentence: 'the embedded emulator: no account is needed.' }
  }
  try {
    const { videoCount, storedMinutes, limitMinutes } = await stream.storageUsage()
    const limit = limitMinutes === null ? '' : ` of ${Math.round(limitMinutes)}`
    return {
      state: 'ok',
      subject,
      sentence: `account ${config.accountId} answers: ${videoCount} videos, ${Math.round(storedMinutes)}${limit} minutes stored.`,
    }
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    return { state: 'error', subject, sentence: streamErrorAdvice(error) }
  }
}

function streamErrorAdvice({ kind, message }: StreamError): string {
  switch (kind) {
    case 'unauthorized':
      return 'the account or the token is not accepted: check CLOUDFLARE_ACCOUNT_ID, and make a token with the permission Stream Write.'
    case 'rate-limited':
      return 'the API takes no more requests for the moment: wait five minutes.'
    case 'unavailable':
    case 'quota':
    case 'invalid':
      return `${message} Check CLOUDFLARE_API_BASE_URL and the way to it.`
  }
}

export async function checkWebhook(
  { publicURL, webhookSecrets }: Config,
  stream: StreamApi | null,
): Promise<CheckResult> {
  const subject = 'Webhook'
  if (stream === null) return { state: 'ok', subject, sentence: 'set by `serve` by itself.' }
  const own = publicURL === null ? null : `${publicURL}/webhooks/stream`
  const set = `\`headgate webhook set ${publicURL ?? 'URL'}\``
  try {
    const webhook = await stream.findWebhook()
    if (webhook === null) {
      return {
        state: 'error',
        subject,
        sentence: `Stream sends its notices nowhere, and changes are seen late: ${set}.`,
      }
    }
    if (own !== null && webhook.notificationURL !== own) {
      return {
        state: 'error',
        subject,
        sentence: `Stream sends its notices to ${webhook.notificationURL}, and not here: ${set} --force.`,
      }
    }
    if (!webhookSecrets.includes(webhook.secret)) {
      return {
        state: 'error',
        subject,
        sentence: `the secret of ${webhook.notificationURL} is not in STREAM_WEBHOOK_SECRET, so notices are refused: ${set} prints it.`,
      }
    }
    return own === null
      ? {
          state: 'warning',
          subject,
          sentence: `notices go to ${webhook.notificationURL}; set PUBLIC_URL to have it compared.`,
        }
      : { state: 'ok', subject, sentence: `notices go to ${own}, and their secret is known.` }
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    return { state: 'error', subject, sentence: streamErrorAdvice(error) }
  }
}

export async function checkAuthentication({ auth }: Config): Promise<CheckResult> {
  const subject = 'Callers'
  if (auth.kind === 'disabled') {
    return { state: 'warning', subject, sentence: 'everybody is the administrator `local`.' }
  }
  if (auth.jwksURL === null) {
    return { state: 'ok', subject, sentence: 'tokens are verified by AUTH_JWT_SECRET.' }
  }
  try {
    const response = await fetch(auth.jwksURL, {
      redirect: 'error',
      signal: AbortSignal.timeout(JWKS_TIMEOUT_MS),
    })
    const text = await response.text()
    if (response.ok && /"keys"\s*:\s*\[/.test(text)) {
      if (auth.audience === null) {
        return {
          state: 'warning',
          subject,
          sentence:
            'the key set can be had, but whatever it signs for any application is let in: set AUTH_ISSUER and AUTH_AUDIENCE.',
        }
      }
      return { state: 'ok', subject, sentence: 'the key set at AUTH_JWKS_URL can be had.' }
    }
  } catch {
    // Every failure has the same advice.
  }
  return {
    state: 'error',
    subject,
    sentence: 'AUTH_JWKS_URL does not answer with a key set: open it in a browser from here.',
  }
}
