/** Creates what records callbacks and delivers them, on Node. */
import { createCallbackDispatcher } from '../callbacks/dispatcher.ts'
import { createCallbackSigner } from '../callbacks/signature.ts'
import { LEASE_MS } from '../callbacks/target-deliveries.ts'
import { type CallbackTransport, MAX_RESPONSE_BYTES } from '../callbacks/transport.ts'
import type { CallbackConfig } from '../config/callbacks.ts'
import { uuidV7 } from '../shared/uuid-v7.ts'
import {
  type CallbackRecorder,
  createCallbackRecorder,
} from '../uploads/callbacks/callback-recorder.ts'
import type { Dependencies } from '../uploads/dependencies.ts'
import { type UndiciTransport, createUndiciTransport } from './undici-transport.ts'

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
  const dispatcher = createCallbackDispatcher({
    targets,
    store: store.callbacks,
    send: sendBy(transport),
    sign: createCallbackSigner(secrets),
    clock,
    log,
    telemetry,
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
    },
  }
}

export function createCallbackTransport(): UndiciTransport {
  return createUndiciTransport(MAX_RESPONSE_BYTES)
}

/** The signal is aborted earlier than the transport's own timeout, by the dispatcher's clock. */
export function sendBy({ send }: Pick<UndiciTransport, 'send'>): CallbackTransport {
  return ({ url, headers, body }, signal) =>
    send(
      {
        purpose: 'deliver a callback',
        method: 'POST',
        url,
        headers,
        body,
        changes: true,
        timeoutMs: LEASE_MS,
      },
      signal,
    )
}
