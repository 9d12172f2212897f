/** `headgate emulator`: Cloudflare Stream on this machine, for anybody's test suite. */
import { readEmulatorConfig } from '../config.ts'
import { startConfiguredEmulator } from '../start-emulator.ts'
import { asked, configured } from './configured.ts'

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
      `export CLOUDFLARE_API_TOKEN=${emulator.token}`,
      '',
      `  Knobs for tests: ${emulator.url}/__emulator/state`,
      '',
      '',
    ].join('\n'),
  )
  await asked()
  await emulator.close()
  return 0
}
