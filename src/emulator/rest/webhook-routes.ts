/** PUT, GET and DELETE of the account's one webhook. */
import { z } from 'zod'

import type { Answer } from '../http-response.ts'
import { badRequest, notFound, succeed } from '../api-error.ts'
import type { EmulatorParts } from '../dependencies.ts'
import { parseBody } from './parse-direct-upload.ts'
import { formatMilliseconds } from '../timestamp.ts'
import type { Webhook } from '../webhooks/webhook-settings.ts'

const bodySchema = z.looseObject({
  notificationUrl: z.string().optional(),
  notification_url: z.string().optional(),
})

/** Unlike Stream this takes localhost and private addresses: that is what an emulator is for. */
export function putWebhook(parts: EmulatorParts, body: unknown): Answer {
  const asked = parseBody(bodySchema, body)
  const notificationUrl = asked.notificationUrl ?? asked.notification_url
  if (notificationUrl === undefined) throw badRequest('required field notificationUrl is missing')
  if (!/^https?:\/\//i.test(notificationUrl) || !URL.canParse(notificationUrl)) {
    throw badRequest('notificationUrl must begin with http:// or https://')
  }
  return succeed(webhookJson(parts.webhook.set(notificationUrl, parts.clock.now())))
}

export function getWebhook(parts: EmulatorParts): Answer {
  const webhook = parts.webhook.find()
  if (webhook === null) throw notFound()
  return succeed(webhookJson(webhook))
}

export function deleteWebhook(parts: EmulatorParts): Answer {
  if (!parts.webhook.remove()) throw notFound()
  return succeed('')
}

function webhookJson(webhook: Webhook): Record<string, string> {
  return {
    notificationUrl: webhook.notificationUrl,
    modified: formatMilliseconds(webhook.modified),
    secret: webhook.secret,
  }
}
