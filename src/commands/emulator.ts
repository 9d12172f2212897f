/** `headgate emulator`: Cloudflare Stream on this machine, for anybody's test suite. */
import { startEmulator } from '../emulator/emulator.ts'
import { asked, configured } from './configured.ts'

export async function runEmulator(): Promise<number> {
  const config = configured()
  if (config === null) return 1
  if (config.stream.kind !== 'emulator') {
    process.stderr.write(
      'headgate: unset CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN to start the emulator.\n',
    )
    return 1
  }
  const { port, directory, storageMinutes, encodeMs } = config.stream
  const emulator = await startEmulator({
    host: config.host,
    port,
    directory,
    storageMinutes,
    encodeMs,
  })
  process.stderr.write(
    [
      '',
      `  Cloudflare Stream, emulated, on ${emulator.url}`,
      '',
      `  CLOUDFLARE_API_BASE_URL=${emulator.apiBaseUrl}`,
      `  CLOUDFLARE_ACCOUNT_ID=${emulator.accountId}`,
      `  CLOUDFLARE_API_TOKEN=${emulator.token}`,
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
