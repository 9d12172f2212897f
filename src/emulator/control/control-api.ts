/**
 * Control API at /__emulator, for tests only; Stream and the gateway have none. Rejects pages of
 * other origins. Requires the token only when other machines can reach the emulator.
 */
import type { IncomingMessage } from 'node:http'

import { z } from 'zod'

import { hasToken, readDeclaredJson, rejectWebPages } from '../access-rules.ts'
import { jsonResponse, type HttpResponse } from '../http-response.ts'
import { ApiError } from '../api-error.ts'
import { deleteAllVideos, deleteDue } from '../state/delete-video.ts'
import { stateSnapshot } from './state-snapshot.ts'
import { faultSchema } from '../faults.ts'
import { OPERATIONS } from '../operations.ts'
import type { EmulatorDependencies } from '../dependencies.ts'
import { formatMilliseconds } from '../timestamp.ts'

const clockSchema = z.strictObject({ advanceSeconds: z.number().min(0).max(1_000_000_000) })
const resetSchema = z.strictObject({ webhook: z.boolean().default(false) })

/** Example bodies, included in the error for an invalid body. */
const USAGE = {
  faults: `{ "on": ${OPERATIONS.map((name) => `"${name}"`).join(' | ')}, "times": 1, and one or more of "status": 503 (with "retryAfterSeconds": 5), "delayMs": 5000, "hangUp": true, "hangUpAfter": true; for "webhook" also "drop": true, "duplicate": 2, "reorder": true }`,
  clock: '{ "advanceSeconds": 3600 }',
  reset: 'no body, or { "webhook": true } to delete the webhook too',
}

/** @param path path after /__emulator/ */
export async function serveControlApi(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  path: string,
): Promise<HttpResponse> {
  try {
    authorize(dependencies, request)
    return await dispatch(dependencies, request, `${request.method ?? ''} ${path}`)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return jsonResponse(error.status, { error: error.reason ?? error.message }, error.headers)
  }
}

function authorize({ settings }: EmulatorDependencies, request: IncomingMessage): void {
  rejectWebPages(settings, request)
  if (settings.reachableByOthers && !hasToken(settings, request)) {
    const reason =
      'Other machines can reach this emulator. Send its token: `Authorization: Bearer …` with EMULATOR_TOKEN.'
    const headers = { 'www-authenticate': 'Bearer' }
    throw new ApiError(401, 10_000, 'Authentication error', reason, headers)
  }
}

async function dispatch(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  endpoint: string,
): Promise<HttpResponse> {
  switch (endpoint) {
    case 'GET state':
      await deleteDue(dependencies)
      return jsonResponse(200, await stateSnapshot(dependencies))
    case 'GET faults':
      return jsonResponse(200, { faults: dependencies.faults.toJSON() })
    case 'POST faults':
      dependencies.faults.plan(read(faultSchema, await readDeclaredJson(request), USAGE.faults))
      return jsonResponse(200, { faults: dependencies.faults.toJSON() })
    case 'DELETE faults':
      dependencies.faults.clear()
      return jsonResponse(200, { faults: [] })
    case 'POST clock':
      return advanceClock(dependencies, await readDeclaredJson(request))
    case 'POST reset':
      return reset(dependencies, await readDeclaredJson(request))
    default:
      return jsonResponse(404, {
        error:
          'not found. The control API has POST /__emulator/faults, GET /__emulator/faults, DELETE /__emulator/faults, POST /__emulator/clock, GET /__emulator/state and POST /__emulator/reset',
      })
  }
}

async function advanceClock(
  dependencies: EmulatorDependencies,
  body: unknown,
): Promise<HttpResponse> {
  const { advanceSeconds } = read(clockSchema, body, USAGE.clock)
  dependencies.clock.advance(Math.round(advanceSeconds * 1000))
  await deleteDue(dependencies)
  dependencies.dispatcher.wake()
  return jsonResponse(200, {
    now: formatMilliseconds(dependencies.clock.now()),
    advancedSeconds: dependencies.clock.offsetMs / 1000,
  })
}

/**
 * Deletes videos, signing keys, watermark profiles, faults and request counts, and resets the clock. The webhook stays by default: a
 * running gateway uses it, and its secret would be lost.
 */
async function reset(dependencies: EmulatorDependencies, body: unknown): Promise<HttpResponse> {
  const { webhook } = read(resetSchema, body, USAGE.reset)
  await deleteAllVideos(dependencies)
  dependencies.faults.clear()
  dependencies.requests.clear()
  dependencies.signingKeys.removeAll()
  dependencies.watermarks.removeAll()
  dependencies.clock.reset()
  if (webhook) dependencies.webhook.remove()
  return jsonResponse(200, { reset: true })
}

function read<Shape extends z.ZodType>(shape: Shape, body: unknown, usage: string): z.infer<Shape> {
  const result = shape.safeParse(body ?? {})
  if (result.success) return result.data
  const problem = z.prettifyError(result.error).replace(/\s+/g, ' ')
  throw new ApiError(400, 10_005, `${problem} Expected: ${usage}`)
}
