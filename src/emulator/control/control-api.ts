/**
 * The control API at /__emulator, for tests only: none of it exists at Stream or in a gateway. It takes
 * no request of a web page, and no token unless other machines can reach the emulator.
 */
import type { IncomingMessage } from 'node:http'

import { z } from 'zod'

import { hasToken, readDeclaredJson, rejectWebPages } from '../access-rules.ts'
import { json, type Answer } from '../http-response.ts'
import { ApiError } from '../api-error.ts'
import { deleteAllVideos, deleteScheduled } from '../state/delete-video.ts'
import { emulatorState } from './state-snapshot.ts'
import { faultSchema } from '../faults.ts'
import { OPERATIONS } from '../operations.ts'
import type { EmulatorParts } from '../dependencies.ts'
import { formatMilliseconds } from '../timestamp.ts'

const clockSchema = z.strictObject({ advanceSeconds: z.number().min(0).max(1_000_000_000) })
const resetSchema = z.strictObject({ webhook: z.boolean().default(false) })

/** What would have been right, for whoever sent something else. */
const RIGHT = {
  faults: `{ "on": ${OPERATIONS.map((name) => `"${name}"`).join(' | ')}, "times": 1, and one or more of "status": 503 (with "retryAfterSeconds": 5), "delayMs": 5000, "hangUp": true, "hangUpAfter": true; for "webhook" also "drop": true, "duplicate": 2, "reorder": true }`,
  clock: '{ "advanceSeconds": 3600 }',
  reset: 'no body, or { "webhook": true } to forget the webhook too',
}

/** @param path what follows /__emulator/ */
export async function serveKnobs(
  parts: EmulatorParts,
  request: IncomingMessage,
  path: string,
): Promise<Answer> {
  try {
    authorize(parts, request)
    return await turn(parts, request, `${request.method ?? ''} ${path}`)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return json(error.status, { error: error.reason ?? error.message }, error.headers)
  }
}

function authorize({ settings }: EmulatorParts, request: IncomingMessage): void {
  rejectWebPages(settings, request)
  if (settings.reachableByOthers && !hasToken(settings, request)) {
    const reason =
      'Other machines can reach this emulator. Send its token: `Authorization: Bearer …` with EMULATOR_TOKEN.'
    const headers = { 'www-authenticate': 'Bearer' }
    throw new ApiError(401, 10_000, 'Authentication error', reason, headers)
  }
}

async function turn(parts: EmulatorParts, request: IncomingMessage, knob: string): Promise<Answer> {
  switch (knob) {
    case 'GET state':
      await deleteScheduled(parts)
      return json(200, await emulatorState(parts))
    case 'GET faults':
      return json(200, { faults: parts.faults.toJSON() })
    case 'POST faults':
      parts.faults.plan(read(faultSchema, await readDeclaredJson(request), RIGHT.faults))
      return json(200, { faults: parts.faults.toJSON() })
    case 'DELETE faults':
      parts.faults.clear()
      return json(200, { faults: [] })
    case 'POST clock':
      return advanceClock(parts, await readDeclaredJson(request))
    case 'POST reset':
      return reset(parts, await readDeclaredJson(request))
    default:
      return json(404, {
        error:
          'knobs are POST /__emulator/faults, GET /__emulator/faults, DELETE /__emulator/faults, POST /__emulator/clock, GET /__emulator/state and POST /__emulator/reset',
      })
  }
}

async function advanceClock(parts: EmulatorParts, body: unknown): Promise<Answer> {
  const { advanceSeconds } = read(clockSchema, body, RIGHT.clock)
  parts.clock.advance(Math.round(advanceSeconds * 1000))
  await deleteScheduled(parts)
  parts.notifier.wake()
  return json(200, {
    now: formatMilliseconds(parts.clock.now()),
    advancedSeconds: parts.clock.offsetMs / 1000,
  })
}

/**
 * As new: no videos, no faults, no counts, no time gained. The webhook stays unless asked for: it
 * belongs to a gateway that goes on running, and its secret would be lost with it.
 */
async function reset(parts: EmulatorParts, body: unknown): Promise<Answer> {
  const { webhook } = read(resetSchema, body, RIGHT.reset)
  await deleteAllVideos(parts)
  parts.faults.clear()
  parts.requests.clear()
  parts.clock.reset()
  if (webhook) parts.webhook.remove()
  return json(200, { reset: true })
}

function read<Shape extends z.ZodType>(shape: Shape, body: unknown, right: string): z.infer<Shape> {
  const result = shape.safeParse(body ?? {})
  if (result.success) return result.data
  const wrong = z.prettifyError(result.error).replace(/\s+/g, ' ')
  throw new ApiError(400, 10_005, `${wrong} Right would be: ${right}`)
}
