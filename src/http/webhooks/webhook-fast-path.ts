/**
 * Fast path for webhooks: the same checks and responses as the handler, without a web Request. The host
 * sends all requests that are not a complete POST of limited size to the handler.
 */
import type { Dependencies } from '../../uploads/dependencies.ts'
import { isAllowedHost } from '../middleware/allowed-hosts.ts'
import type { AccessLog } from '../middleware/access-log.ts'
import { errorResponseFor } from '../middleware/error-response.ts'
import type { RawResponse } from '../raw-response.ts'
import { securityHeaders } from '../middleware/security-headers.ts'
import { PLAIN_TEXT } from '../handler.ts'
import {
  MAX_WEBHOOK_BYTES,
  type WebhookDelivery,
  type ProcessWebhook,
  type WebhookOptions,
} from './process-webhook.ts'
import { WEBHOOK_PATH } from './webhook-handler.ts'

/** A webhook delivery and its request info. */
export interface WebhookRequest extends WebhookDelivery {
  readonly requestId: string
  /** By `performance.now()`. */
  readonly startedAt: number
  /** Returns the client's address for the log, or null if unknown. */
  readonly client: () => string | null
}

export interface WebhookFastPath {
  readonly path: string
  /** Maximum body size in bytes; the handler responds to larger ones. */
  readonly mostBytes: number
  /** False if the Host is not allowed or no secret is configured: the handler responds then. */
  readonly isOpenFor: (host: string) => boolean
  /** Never rejects. */
  readonly answer: (request: WebhookRequest) => Promise<RawResponse>
}

/** Dependencies shared with the handler. */
export interface WebhookFastPathOptions {
  readonly parts: Pick<Dependencies, 'log'>
  readonly takeNotice: ProcessWebhook
  readonly noteAnswer: AccessLog
  readonly webhookSecrets: WebhookOptions['webhookSecrets']
  /** See `GatewayOptions.allowedHosts`. */
  readonly allowedHosts: readonly string[] | null
  readonly https: boolean
}

export function createWebhookFastPath(options: WebhookFastPathOptions): WebhookFastPath {
  const { log } = options.parts
  const headers = Object.entries({
    'content-type': PLAIN_TEXT,
    ...securityHeaders(options),
  }).flat()
  /** The last allowed Host. Stream always sends the same one, so it is checked once. */
  let lastHost: string | null = null

  async function respond(request: WebhookRequest): Promise<RawResponse> {
    try {
      const { status, sentence } = await options.takeNotice(request)
      return { status, headers, text: `${sentence}\n` }
    } catch (error) {
      const failure = errorResponseFor(log, error, request.requestId)
      const own = Object.entries(failure.headers).flat()
      return {
        status: failure.status,
        headers: [...headers, ...own],
        text: `${failure.sentence}\n`,
      }
    }
  }

  return {
    path: WEBHOOK_PATH,
    mostBytes: MAX_WEBHOOK_BYTES,
    isOpenFor(host) {
      if (host !== lastHost) {
        if (!isAllowedHostHeader(host, options.allowedHosts)) return false
        lastHost = host
      }
      return options.webhookSecrets().length > 0
    },
    async answer(request) {
      const response = await respond(request)
      const { requestId, startedAt, client } = request
      const { status } = response
      const method = 'POST'
      options.noteAnswer({ path: WEBHOOK_PATH, method, status, requestId, startedAt, client })
      return response
    },
  }
}

function isAllowedHostHeader(host: string, allowedHosts: readonly string[] | null): boolean {
  const address = `http://${host}${WEBHOOK_PATH}`
  if (!URL.canParse(address)) return false
  const { hostname, pathname } = new URL(address)
  if (pathname !== WEBHOOK_PATH) return false
  return allowedHosts === null || isAllowedHost(allowedHosts, hostname)
}
