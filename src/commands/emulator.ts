/** `headgate emulator`: runs the emulator of Cloudflare Stream alone, for test suites. */
import { inspect } from 'node:util'
import { readEmulatorConfig } from '../config/node-config.ts'
import { startEmulatorFromConfig } from '../node/start-emulator.ts'
import { untilShutdownSignal, readConfigOrReport } from './read-config.ts'

export async function runEmulator(): Promise<number> {
  const config = readConfigOrReport(readEmulatorConfig)
  if (config === null) return 1
  const emulator = await startEmulatorFromConfig(config, (error) => {
    process.stderr.write(`The emulator failed: ${inspect(error)}\n`)
  })
  process.stderr.write(
    [
      '',
      `  Cloudflare Stream emulator on ${emulator.url}`,
      '',
      `export CLOUDFLARE_API_BASE_URL=${emulator.apiBaseUrl}`,
      `export CLOUDFLARE_ACCOUNT_ID=${emulator.accountId}`,
      // A configured token is a secret and must not appear in a container's log.
      `export CLOUDFLARE_API_TOKEN=${config.token === null ? emulator.token : '"$EMULATOR_TOKEN"'}`,
      '',
      `  Uploads: ${emulator.publicUrl}`,
      `  Control API, for tests: ${emulator.url}/__emulator/state`,
      '',
      '',
    ].join('\n'),
  )
  await untilShutdownSignal()
  await emulator.close()
  return 0
}
