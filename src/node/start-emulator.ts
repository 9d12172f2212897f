/** Starts the emulator from the configuration. */
import type { EmulatorListenConfig } from '../config/node-config.ts'
import { type Emulator, startEmulator } from '../emulator/emulator.ts'
import { isLoopback } from '../emulator/exposure.ts'
import { errorCodeOf } from '../shared/error-codes.ts'

/**
 * Rejects with a message that says which variable to set.
 * @param onError receives internal errors, which respond 500 inside a request
 */
export async function startEmulatorFromConfig(
  config: EmulatorListenConfig,
  onError: (error: unknown) => void,
): Promise<Emulator> {
  const {
    host,
    port,
    directory,
    storageMinutes,
    diskBytes,
    encodeMs,
    token,
    publicURL,
    gatewayURL,
  } = config
  // Other machines reach the emulator by the gateway's hostname. Not if it listens on the loopback interface:
  // then a proxy for the gateway's hostname does not lead to the emulator.
  const publicHost = gatewayURL === null || isLoopback(host) ? null : new URL(gatewayURL).hostname
  try {
    return await startEmulator({
      host,
      port,
      directory,
      storageMinutes,
      diskBytes,
      encodeMs,
      onError,
      ...(token === null ? {} : { token }),
      ...(publicURL === null ? {} : { publicUrl: publicURL }),
      ...(publicHost === null ? {} : { publicHost }),
    })
  } catch (error) {
    const message =
      errorCodeOf(error) === 'EADDRINUSE'
        ? `Cannot start the emulator on ${host}:${port}: the port is in use. Set EMULATOR_PORT to another port, or to 0.`
        : `Cannot write the emulator's files to ${directory} (${errorCodeOf(error) ?? String(error)}). Set EMULATOR_DIR to a writable folder.`
    throw new Error(message, { cause: error })
  }
}
