/** Handlers for PUT, GET and DELETE of the account's one webhook. */
import { z } from 'zod'

import type { HttpResponse } from '../http-response.ts'
import { badRequest, notFound, successResponse } from '../api-error.ts'
import type { EmulatorDependencies } from '../dependencies.ts'
import { parseBody } from './parse-direct-upload.ts'
import { formatMilliseconds } from '../timestamp.ts'
import type { Webhook } from '../webhooks/webhook-settings.ts'

const bodySchema = z.looseObject({
  notificationUrl: z.string().optional(),
  notification_url: z.string().optional(),
})

/** Unlike Stream, accepts localhost and private addresses, because the receiver runs locally. */
export function putWebhook(dependencies: EmulatorDependencies, body: unknown): HttpResponse {
  const fields = parseBody(bodySchema, body)
  const notificationUrl = fields.notificationUrl ?? fields.notification_url
  if (notificationUrl === undefined) throw badRequest('required field notificationUrl is missing')
  if (!/^https?:\/\//i.test(notificationUrl) || !URL.canParse(notificationUrl)) {
    throw badRequest('notificationUrl must begin with http:// or https://')
  }
  return successResponse(
    webhookJson(dependencies.webhook.set(notificationUrl, dependencies.clock.now())),
  )
}

export function getWebhook(dependencies: EmulatorDependencies): HttpResponse {
  const webhook = dependencies.webhook.find()
  if (webhook === null) throw notFound()
  return successResponse(webhookJson(webhook))
}

export function deleteWebhook(dependencies: EmulatorDependencies): HttpResponse {
  if (!dependencies.webhook.remove()) throw notFound()
  return successResponse('')
}

function webhookJson(webhook: Webhook): Record<string, string> {
  return {
    notificationUrl: webhook.notificationUrl,
    modified: formatMilliseconds(webhook.modified),
    secret: webhook.secret,
  }
}
