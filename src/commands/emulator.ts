/** `headgate emulator`: Cloudflare Stream on this machine, for anybody's test suite. */
import { readEmulatorConfig } from '../config/node-config.ts'
import { startConfiguredEmulator } from '../node/start-emulator.ts'
import { asked, configured } from './read-config.ts'

export async function runEmulator(): Promise<number> {
  const config = configured(readEmulatorConfig)
  if (config === null) return 1
  const emulator = await startConfiguredEmulator(config)
  process.stderr.write(
    [
      '',
      `  Cloudflare Stream, emulated, on ${emulator.url}`,
      '',
      `export CLOUDFLARE_API_BASE_URL=${emulator.apiBaseUrl}`,
      `export CLOUDFLARE_ACCOUNT_ID=${emulator.accountId}`,
      // A token that was given is a secret: the log of a container is read by more people.
      `export CLOUDFLARE_API_TOKEN=${config.token === null ? emulator.token : '"$EMULATOR_TOKEN"'}`,
      '',
      `  Uploads: ${emulator.publicUrl}`,
      `  Control API, for tests: ${emulator.url}/__emulator/state`,
      '',
      '',
    ].join('\n'),
  )
  await asked()
  await emulator.close()
  return 0
}
