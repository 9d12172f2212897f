/** `headgate serve`: the gateway, until it is asked to end. */
import { type Config, readConfig } from '../config.ts'
import { createLog } from '../log.ts'
import { type RunningGateway, startGateway } from '../main.ts'
import { asked, configured } from './configured.ts'

export async function serve(): Promise<number> {
  const config = configured(readConfig)
  if (config === null) return 1
  const log = createLog(config.logLevel)
  const gateway = await startGateway(config, log)
  // Logs are for machines and go to standard output; this is for whoever sits here.
  process.stderr.write(welcome(config, gateway))
  await asked()
  log.info({}, 'stopping')
  await gateway.stop()
  return 0
}

function welcome(config: Config, { url, emulator }: RunningGateway): string {
  const lines = [
    '',
    `  headgate listens on ${url}`,
    '',
    `  Console    ${url}/`,
    config.introspection ? `  GraphiQL   ${url}/graphql` : `  GraphQL    ${url}/graphql`,
    emulator === null
      ? `  Stream     account ${accountOf(config)}`
      : `  Emulator   ${emulator.url}  (Cloudflare Stream on this machine: no account needed)`,
    `  Database   ${config.databaseFile}`,
    config.auth.kind === 'open'
      ? '  Callers    everybody is the administrator `local`'
      : '  Callers    with a bearer token',
    '',
    '  Ctrl-C ends it.',
    '',
    '',
  ]
  return lines.join('\n')
}

function accountOf({ stream }: Config): string {
  return stream.kind === 'account' ? stream.accountId : 'local'
}
