/**
 * The fast lane in front of the door for notices: the same verdict and the same words, without a web
 * Request around them. Whatever is not a regular POST goes the long way.
 */
import type { Parts } from '../../uploads/dependencies.ts'
import { isKnownHost } from '../middleware/allowed-hosts.ts'
import type { NoteAnswer } from '../middleware/access-log.ts'
import { failureOf } from '../middleware/error-response.ts'
import type { PreparedAnswer } from '../raw-response.ts'
import { securityHeaders } from '../middleware/security-headers.ts'
import { PLAIN_TEXT } from '../handler.ts'
import {
  MAX_NOTICE_BYTES,
  type NoticePost,
  type TakeNotice,
  type WebhookOptions,
} from './process-webhook.ts'
import { WEBHOOK_PATH } from './webhook-handler.ts'

/** A notice, and who brings it. */
export interface NoticeErrand extends NoticePost {
  readonly requestId: string
  /** By `performance.now()`. */
  readonly startedAt: number
  /** The client's address, for the log; null where it is not known. */
  readonly client: () => string | null
}

export interface NoticeLane {
  /** Where notices arrive. */
  readonly path: string
  /** Bytes of the longest; the door has the word about one that is longer. */
  readonly mostBytes: number
  /** Whether notices that are addressed to this Host are taken here. */
  readonly isOpenFor: (host: string) => boolean
  /** Never rejects. */
  readonly answer: (errand: NoticeErrand) => Promise<PreparedAnswer>
}

/** What it shares with the long way. */
export interface NoticeLaneParts {
  readonly parts: Pick<Parts, 'log'>
  readonly takeNotice: TakeNotice
  readonly noteAnswer: NoteAnswer
  readonly webhookSecrets: WebhookOptions['webhookSecrets']
  /** As `GatewayOptions` has them; null where any name will do. */
  readonly knownHosts: readonly string[] | null
  readonly https: boolean
}

export function createNoticeLane(lane: NoticeLaneParts): NoticeLane {
  const { log } = lane.parts
  const headers = Object.entries({ 'content-type': PLAIN_TEXT, ...securityHeaders(lane) }).flat()
  /** Stream comes by one name. */
  let lastHost: string | null = null

  async function said(errand: NoticeErrand): Promise<PreparedAnswer> {
    try {
      const { status, sentence } = await lane.takeNotice(errand)
      return { status, headers, text: `${sentence}\n` }
    } catch (error) {
      const failure = failureOf(log, error, errand.requestId)
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
    mostBytes: MAX_NOTICE_BYTES,
    isOpenFor(host) {
      if (host !== lastHost) {
        if (!isGoodHost(host, lane.knownHosts)) return false
        lastHost = host
      }
      return lane.webhookSecrets().length > 0
    },
    async answer(errand) {
      const answer = await said(errand)
      const { requestId, startedAt, client } = errand
      const { status } = answer
      const method = 'POST'
      lane.noteAnswer({ path: WEBHOOK_PATH, method, status, requestId, startedAt, client })
      return answer
    },
  }
}

function isGoodHost(host: string, knownHosts: readonly string[] | null): boolean {
  const address = `http://${host}${WEBHOOK_PATH}`
  if (!URL.canParse(address)) return false
  const { hostname, pathname } = new URL(address)
  if (pathname !== WEBHOOK_PATH) return false
  return knownHosts === null || isKnownHost(knownHosts, hostname)
}
