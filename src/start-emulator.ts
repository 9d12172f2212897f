/** Starts the emulator as it is configured, and says which variable to set where it cannot. */
import type { EmulatorConfig } from './config.ts'
import { type Emulator, startEmulator } from './emulator/emulator.ts'
import { codeOf } from './error-code.ts'

export async function startConfiguredEmulator(
  config: EmulatorConfig & { readonly host: string },
): Promise<Emulator> {
  const { host, port, directory, storageMinutes, encodeMs } = config
  try {
    return await startEmulator({ host, port, directory, storageMinutes, encodeMs })
  } catch (error) {
    const message =
      codeOf(error) === 'EADDRINUSE'
        ? `Cannot start the emulator on ${host}:${port}: it is in use. Set EMULATOR_PORT to another, or to 0.`
        : `Cannot keep the emulator's files in ${directory} (${codeOf(error) ?? String(error)}). Set EMULATOR_DIR to a folder that can be written.`
    throw new Error(message, { cause: error })
  }
}
