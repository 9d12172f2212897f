/** Checks of `headgate doctor` for Stream, webhook, playback and authentication; read-only. */
import type { Config } from '../../config/gateway-config.ts'
import type { StreamApi } from '../../uploads/ports/stream-api.ts'
import type { SigningKeys } from '../../stream/rest/signing-keys.ts'
import { StreamError } from '../../uploads/ports/stream-error.ts'

/** One line of the output: the subject, its state, and the fix. */
export interface CheckResult {
  /** Only `error` makes the command fail. */
  readonly state: 'ok' | 'warning' | 'error'
  readonly subject:
    | 'Configuration'
    | 'Database'
    | 'Stream'
    | 'Webhook'
    | 'Playback'
    | 'Callbacks'
    | 'Callers'
    | 'Documents'
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
    return { state: 'ok', subject, sentence: 'embedded emulator, no account needed.' }
  }
  try {
    const { videoCount, storedMinutes, limitMinutes } = await stream.storageUsage()
    const limit = limitMinutes === null ? '' : ` of ${Math.round(limitMinutes)}`
    return {
      state: 'ok',
      subject,
      sentence: `account ${config.accountId} responds: ${videoCount} ${videoCount === 1 ? 'video' : 'videos'}, ${Math.round(storedMinutes)}${limit} minutes stored.`,
    }
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    return { state: 'error', subject, sentence: streamErrorAdvice(error) }
  }
}

function streamErrorAdvice({ kind, message }: StreamError): string {
  switch (kind) {
    case 'unauthorized':
      return 'Stream rejects the account or the token. Check CLOUDFLARE_ACCOUNT_ID, and create a token with the permission Stream Write.'
    case 'rate-limited':
      return 'the rate limit of the API is exceeded. Wait five minutes.'
    case 'unavailable':
    case 'quota':
    case 'invalid':
      return `${message} Check CLOUDFLARE_API_BASE_URL and the network.`
  }
}

export async function checkWebhook(
  { publicURL, webhookSecrets }: Config,
  stream: StreamApi | null,
): Promise<CheckResult> {
  const subject = 'Webhook'
  if (stream === null) return { state: 'ok', subject, sentence: 'set automatically by `serve`.' }
  const expectedURL = publicURL === null ? null : `${publicURL}/webhooks/stream`
  const set = `\`headgate webhook set ${publicURL ?? 'URL'}\``
  try {
    const webhook = await stream.findWebhook()
    if (webhook === null) {
      return {
        state: 'error',
        subject,
        sentence: `no webhook is set, and status changes arrive by polling only. Run ${set}.`,
      }
    }
    if (expectedURL !== null && webhook.notificationURL !== expectedURL) {
      return {
        state: 'error',
        subject,
        sentence: `the webhook points to another URL, ${webhook.notificationURL}. Run ${set} with --force.`,
      }
    }
    if (!webhookSecrets.includes(webhook.secret)) {
      return {
        state: 'error',
        subject,
        sentence: `the secret of ${webhook.notificationURL} is not in STREAM_WEBHOOK_SECRET, so webhooks are rejected. ${set} prints it.`,
      }
    }
    return expectedURL === null
      ? {
          state: 'warning',
          subject,
          sentence: `the webhook points to ${webhook.notificationURL}. Set PUBLIC_URL to have it compared.`,
        }
      : {
          state: 'ok',
          subject,
          sentence: `the webhook points to ${expectedURL}, and its secret is configured.`,
        }
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    return { state: 'error', subject, sentence: streamErrorAdvice(error) }
  }
}

/** @param signingKeys null with the embedded emulator */
export async function checkPlayback(
  { signingKey }: Config,
  signingKeys: SigningKeys | null,
): Promise<CheckResult> {
  const subject = 'Playback'
  if (signingKeys === null) {
    return { state: 'ok', subject, sentence: 'the emulator signs the tokens of private videos.' }
  }
  if (signingKey === null) {
    return {
      state: 'ok',
      subject,
      sentence:
        'each token of a private video is requested from Stream. `headgate signing-key create` makes the gateway sign them.',
    }
  }
  try {
    const keys = await signingKeys.list()
    if (keys.some(({ id }) => id === signingKey.id)) {
      return { state: 'ok', subject, sentence: 'STREAM_SIGNING_KEY_ID is a key of the account.' }
    }
    return {
      state: 'error',
      subject,
      sentence:
        'STREAM_SIGNING_KEY_ID is not a key of the account, so that Stream rejects all tokens of private videos. Run `headgate signing-key create`, and set both variables that it prints.',
    }
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    return { state: 'error', subject, sentence: streamErrorAdvice(error) }
  }
}

/** Null if any document is executed. The configuration has reported documents that cannot be executed. */
export function checkTrustedDocuments({ trustedDocuments }: Config): CheckResult | null {
  if (trustedDocuments === null) return null
  const count =
    trustedDocuments.length === 1 ? '1 document' : `${trustedDocuments.length} documents`
  return {
    state: 'ok',
    subject: 'Documents',
    sentence: `only ${count} of TRUSTED_DOCUMENTS are executed, and those of the console and of headgate/client.`,
  }
}

export async function checkAuthentication({ auth }: Config): Promise<CheckResult> {
  const subject = 'Callers'
  if (auth.kind === 'disabled') {
    return {
      state: 'warning',
      subject,
      sentence: 'authentication is disabled: every caller is the administrator `local`.',
    }
  }
  if (auth.jwksURL === null) {
    return { state: 'ok', subject, sentence: 'tokens are verified with AUTH_JWT_SECRET.' }
  }
  try {
    const response = await fetch(auth.jwksURL, {
      redirect: 'error',
      signal: AbortSignal.timeout(JWKS_TIMEOUT_MS),
    })
    const text = await response.text()
    if (response.ok && /"keys"\s*:\s*\[/.test(text)) {
      const acceptsEveryJWT = auth.audience === null
      if (acceptsEveryJWT) {
        return {
          state: 'warning',
          subject,
          sentence:
            'the key set is available, but tokens for any application are accepted. Set AUTH_ISSUER and AUTH_AUDIENCE.',
        }
      }
      return { state: 'ok', subject, sentence: 'the key set at AUTH_JWKS_URL is available.' }
    }
  } catch {
    // Every failure has the same advice.
  }
  return {
    state: 'error',
    subject,
    sentence: 'AUTH_JWKS_URL does not return a key set. Open it in a browser on this machine.',
  }
}
