/** Creates what records callbacks and delivers them, on Node. */
import { createHmac } from 'node:crypto'
import { createCallbackDispatcher } from '../callbacks/dispatcher.ts'
import { type Hmac, createCallbackSigner } from '../callbacks/signature.ts'
import { sendByHttp } from '../callbacks/send-by-http.ts'
import { ATTEMPT_TIMEOUT_MS, MAX_RESPONSE_BYTES } from '../callbacks/transport.ts'
import type { CallbackConfig } from '../config/callbacks.ts'
import { createDeadlines } from '../shared/deadlines.ts'
import { uuidV7 } from '../shared/uuid-v7.ts'
import {
  type CallbackRecorder,
  createCallbackRecorder,
} from '../uploads/callbacks/callback-recorder.ts'
import type { Dependencies } from '../uploads/dependencies.ts'
import { type UndiciTransport, createUndiciTransport } from './undici-transport.ts'

/** Callbacks in flight to one target. */
const MAX_IN_FLIGHT = 32

export interface Callbacks {
  readonly recorder: CallbackRecorder
  /** Delivers until shutdown. Resolves when the attempts in flight are recorded. */
  deliver(): Promise<void>
}

type CallbackDependencies = Pick<Dependencies, 'clock' | 'log' | 'telemetry' | 'store' | 'closing'>

export function createCallbacks(
  { targets, secrets }: CallbackConfig,
  { clock, log, telemetry, store, closing }: CallbackDependencies,
): Callbacks {
  const transport = createCallbackTransport()
  const stopped = new AbortController()
  const deadlines = createDeadlines({ clock, closing: stopped.signal }, ATTEMPT_TIMEOUT_MS)
  const dispatcher = createCallbackDispatcher({
    targets,
    store: store.callbacks,
    send: sendByHttp(transport.send, deadlines),
    sign: createCallbackSigner(secrets, createNodeHmac),
    clock,
    log,
    telemetry,
    maxInFlight: MAX_IN_FLIGHT,
    random: Math.random,
    closing,
  })
  const recorder = createCallbackRecorder({
    targets,
    newId: () => uuidV7(clock.now()),
    onRecorded: () => dispatcher.wake(),
  })
  return {
    recorder,
    async deliver() {
      await dispatcher.run()
      await transport.close()
      stopped.abort()
    },
  }
}

export function createCallbackTransport(): UndiciTransport {
  return createUndiciTransport(MAX_RESPONSE_BYTES)
}

/** Computes at once: Web Crypto would take a thread for each of these few bytes. */
export function createNodeHmac(key: Uint8Array): Hmac {
  return (text) => createHmac('sha256', key).update(text).digest('base64')
}
