/** Reads the Stream account of a command. */
import { readStreamConfig } from '../config/node-config.ts'
import type { AccountOptions } from '../stream/rest/rest-client.ts'
import { readConfigOrReport } from './read-config.ts'

/**
 * Returns null, after a message on standard error, if no account is configured.
 * @param withoutAccount why the command is not needed with the emulator
 */
export function readAccount(withoutAccount: string): AccountOptions | null {
  const stream = readConfigOrReport(readStreamConfig)
  if (stream === null) return null
  if (stream.kind === 'account') {
    const { accountId, apiToken, baseURL } = stream
    return { accountId, apiToken, baseUrl: baseURL }
  }
  process.stderr.write(
    `headgate: no Stream account is configured. Set CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN. ${withoutAccount}\n`,
  )
  return null
}
