/** What `headgate doctor` looks at, one examination after the other. Nothing is changed by any. */
import type { Config } from '../../config/node-config.ts'
import type { StreamBackend } from '../../uploads/ports/stream-api.ts'
import { StreamError } from '../../uploads/ports/stream-error.ts'

/** One line of the doctor's: what was looked at, how it stands, and what to do about it. */
export interface Finding {
  /** `odd` is worth knowing, and no reason to fail. */
  readonly state: 'well' | 'odd' | 'wrong'
  readonly subject: 'Configuration' | 'Database' | 'Stream' | 'Webhook' | 'Callers'
  readonly sentence: string
}

const KEY_SET_MS = 5000

/** `stream` is null with the embedded emulator. */
export async function examineStream(
  { stream: config }: Config,
  stream: StreamBackend | null,
): Promise<Finding> {
  const subject = 'Stream'
  if (stream === null || config.kind === 'emulator') {
    return { state: 'well', subject, sentence: 'the embedded emulator: no account is needed.' }
  }
  try {
    const { videoCount, storedMinutes, limitMinutes } = await stream.storageUsage()
    const limit = limitMinutes === null ? '' : ` of ${Math.round(limitMinutes)}`
    return {
      state: 'well',
      subject,
      sentence: `account ${config.accountId} answers: ${videoCount} videos, ${Math.round(storedMinutes)}${limit} minutes stored.`,
    }
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    return { state: 'wrong', subject, sentence: sayTrouble(error) }
  }
}

function sayTrouble({ kind, message }: StreamError): string {
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

export async function examineWebhook(
  { publicURL, webhookSecrets }: Config,
  stream: StreamBackend | null,
): Promise<Finding> {
  const subject = 'Webhook'
  if (stream === null) return { state: 'well', subject, sentence: 'set by `serve` by itself.' }
  const own = publicURL === null ? null : `${publicURL}/webhooks/stream`
  const set = `\`headgate webhook set ${publicURL ?? 'URL'}\``
  try {
    const webhook = await stream.findWebhook()
    if (webhook === null) {
      return {
        state: 'wrong',
        subject,
        sentence: `Stream sends its notices nowhere, and changes are seen late: ${set}.`,
      }
    }
    if (own !== null && webhook.notificationURL !== own) {
      return {
        state: 'wrong',
        subject,
        sentence: `Stream sends its notices to ${webhook.notificationURL}, and not here: ${set} --force.`,
      }
    }
    if (!webhookSecrets.includes(webhook.secret)) {
      return {
        state: 'wrong',
        subject,
        sentence: `the secret of ${webhook.notificationURL} is not in STREAM_WEBHOOK_SECRET, so notices are refused: ${set} prints it.`,
      }
    }
    return own === null
      ? {
          state: 'odd',
          subject,
          sentence: `notices go to ${webhook.notificationURL}; set PUBLIC_URL to have it compared.`,
        }
      : { state: 'well', subject, sentence: `notices go to ${own}, and their secret is known.` }
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    return { state: 'wrong', subject, sentence: sayTrouble(error) }
  }
}

export async function examineCallers({ auth }: Config): Promise<Finding> {
  const subject = 'Callers'
  if (auth.kind === 'open') {
    return { state: 'odd', subject, sentence: 'everybody is the administrator `local`.' }
  }
  if (auth.jwksURL === null) {
    return { state: 'well', subject, sentence: 'tokens are verified by AUTH_JWT_SECRET.' }
  }
  try {
    const response = await fetch(auth.jwksURL, {
      redirect: 'error',
      signal: AbortSignal.timeout(KEY_SET_MS),
    })
    const text = await response.text()
    if (response.ok && /"keys"\s*:\s*\[/.test(text)) {
      if (auth.audience === null) {
        return {
          state: 'odd',
          subject,
          sentence:
            'the key set can be had, but whatever it signs for any application is let in: set AUTH_ISSUER and AUTH_AUDIENCE.',
        }
      }
      return { state: 'well', subject, sentence: 'the key set at AUTH_JWKS_URL can be had.' }
    }
  } catch {
    // Whatever it is: the sentence below says what to look at.
  }
  return {
    state: 'wrong',
    subject,
    sentence: 'AUTH_JWKS_URL does not answer with a key set: open it in a browser from here.',
  }
}
