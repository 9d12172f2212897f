/** Starts the emulator as it is configured, and says which variable to set where it cannot. */
import type { EmulatorListenConfig } from '../config/node-config.ts'
import { type Emulator, startEmulator } from '../emulator/emulator.ts'
import { isLoopback } from '../emulator/exposure.ts'
import { codeOf } from '../shared/error-codes.ts'

export async function startConfiguredEmulator(config: EmulatorListenConfig): Promise<Emulator> {
  const { host, port, directory, storageMinutes, encodeMs, token, publicURL, gatewayURL } = config
  // Whoever reaches the gateway from another machine reaches the emulator by the same name. Where it
  // listens on this machine alone, a proxy for the gateway's name does not lead to the emulator.
  const publicHost = gatewayURL === null || isLoopback(host) ? null : new URL(gatewayURL).hostname
  try {
    return await startEmulator({
      host,
      port,
      directory,
      storageMinutes,
      encodeMs,
      ...(token === null ? {} : { token }),
      ...(publicURL === null ? {} : { publicUrl: publicURL }),
      ...(publicHost === null ? {} : { publicHost }),
    })
  } catch (error) {
    const message =
      codeOf(error) === 'EADDRINUSE'
        ? `Cannot start the emulator on ${host}:${port}: it is in use. Set EMULATOR_PORT to another, or to 0.`
        : `Cannot keep the emulator's files in ${directory} (${codeOf(error) ?? String(error)}). Set EMULATOR_DIR to a folder that can be written.`
    throw new Error(message, { cause: error })
  }
}
