/** `headgate serve`: the gateway, until it is asked to end. */
import { type Config, readConfig } from '../config/node-config.ts'
import { createLog } from '../node/logger.ts'
import { type RunningGateway, startGateway } from '../node/start-gateway.ts'
import { nameDatabase } from '../name-database.ts'
import { asked, configured } from './read-config.ts'

/** What still holds the process when everything is closed holds it no longer than this, in milliseconds. */
const LINGER_MS = 1000

export async function serve(): Promise<number> {
  const warnings: string[] = []
  const config = configured(readConfig, (warning) => warnings.push(warning))
  if (config === null) return 1
  // From the start: as the first process of a container, nothing else would hear the signal.
  const end = asked()
  const log = createLog(config.logLevel)
  for (const warning of warnings) log.warn({}, warning)
  // Node then ends the process, whose state is unknown. What ends one connection only is caught there.
  process.on('uncaughtExceptionMonitor', (error, origin) => {
    log.error({ err: error, origin }, 'uncaught exception')
  })
  const gateway = await startGateway(config, log)
  // Logs are for machines and go to standard output; this is for whoever sits here.
  process.stderr.write(welcome(config, gateway))
  await end
  log.info({}, 'stopping')
  await gateway.stop()
  setTimeout(() => process.exit(), LINGER_MS).unref()
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
    `  Database   ${nameDatabase(config.database)}`,
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
