/** An emulator for one test, with functions for its control API. */
import { onTestFinished } from 'vitest'
import { z } from 'zod'

import { startEmulator, type Emulator, type EmulatorOptions } from '../../src/emulator/emulator.ts'

const stateSchema = z.object({
  videos: z.array(
    z.object({
      uid: z.string(),
      kind: z.enum(['basic', 'tus']),
      state: z.enum(['pendingupload', 'queued', 'inprogress', 'ready', 'error']),
      percent: z.number(),
      errorReasonCode: z.string(),
      receivedBytes: z.number(),
      uploadLength: z.number().nullable(),
      meta: z.record(z.string(), z.json()),
      creator: z.string().nullable(),
      maxDurationSeconds: z.number(),
      reservedSeconds: z.number(),
      storedSeconds: z.number(),
      durationSeconds: z.number().nullable(),
      expired: z.boolean(),
      uploadExpiry: z.string(),
      created: z.string(),
    }),
  ),
  reservedSeconds: z.number(),
  storedSeconds: z.number(),
  requests: z.record(z.string(), z.number()),
  faults: z.array(z.looseObject({ on: z.string(), times: z.number() })),
  webhooks: z.array(z.object({ uid: z.string(), dueAt: z.string(), attempts: z.number() })),
  clock: z.object({ now: z.string(), advancedSeconds: z.number() }),
})
/** The response of GET /__emulator/state. */
export type EmulatorState = z.infer<typeof stateSchema>

/** A planned fault, as POST /__emulator/faults accepts it. */
export interface PlannedFault {
  readonly on: string
  readonly times?: number
  readonly status?: number
  readonly retryAfterSeconds?: number
  readonly delayMs?: number
  readonly hangUp?: boolean
  readonly hangUpAfter?: boolean
  readonly drop?: boolean
  readonly duplicate?: number
  readonly reorder?: boolean
}

/** The control API of a running emulator. */
export interface EmulatorControlApi {
  fault(fault: PlannedFault): Promise<void>
  clearFaults(): Promise<void>
  advanceClock(seconds: number): Promise<void>
  state(): Promise<EmulatorState>
  reset(): Promise<void>
}

export type TestEmulator = Emulator & EmulatorControlApi

/**
 * Starts an emulator on a free port in a temporary folder, with 0.2 seconds of encoding time. It is
 * closed when the test ends; outside of a test (in a hook) the caller closes it.
 */
export async function startTestEmulator(options: EmulatorOptions = {}): Promise<TestEmulator> {
  const emulator = await startEmulator({
    encodeMs: 200,
    onError: (error) => {
      process.emitWarning(error instanceof Error ? error : String(error))
    },
    ...options,
  })
  try {
    onTestFinished(() => emulator.close())
  } catch {
    // Not inside of a test.
  }
  return { ...emulator, ...controlApiOf(emulator.url) }
}

/** The control API of a running emulator by its URL. */
export function controlApiOf(url: string): EmulatorControlApi {
  const send = async (method: string, control: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${url}/__emulator/${control}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${control}: ${response.status} ${await response.text()}`)
    return response.json()
  }
  return {
    fault: async (fault) => {
      await send('POST', 'faults', fault)
    },
    clearFaults: async () => {
      await send('DELETE', 'faults')
    },
    advanceClock: async (seconds) => {
      await send('POST', 'clock', { advanceSeconds: seconds })
    },
    state: async () => stateSchema.parse(await send('GET', 'state')),
    reset: async () => {
      await send('POST', 'reset')
    },
  }
}
