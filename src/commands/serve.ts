/** `headgate serve`: runs the gateway until a shutdown signal. */
import { type Config, readConfig } from '../config/gateway-config.ts'
import { databaseLabel } from '../config/node-config.ts'
import { createLogger } from '../node/logger.ts'
import { type RunningGateway, startGateway } from '../node/start-gateway.ts'
import { untilShutdownSignal, readConfigOrReport } from './read-config.ts'

/** Time in milliseconds after shutdown until the process exits, even if handles are still open. */
const EXIT_DELAY_MS = 1000

export async function serve(): Promise<number> {
  const warnings: string[] = []
  const config = readConfigOrReport(readConfig, (warning) => warnings.push(warning))
  if (config === null) return 1
  // Before the start: as PID 1 of a container, the process has no default signal handlers.
  const shutdown = untilShutdownSignal()
  const log = createLogger(config.logLevel)
  for (const warning of warnings) log.warn({}, warning)
  // Only logs: Node then ends the process. Errors of single connections are caught elsewhere.
  process.on('uncaughtExceptionMonitor', (error, origin) => {
    log.error({ err: error, origin }, 'uncaught exception')
  })
  const gateway = await startGateway(config, log)
  // On standard error, for the operator's terminal; standard output is for logs.
  process.stderr.write(formatBanner(config, gateway))
  await shutdown
  log.info({}, 'shutting down')
  await gateway.stop()
  setTimeout(() => process.exit(), EXIT_DELAY_MS).unref()
  return 0
}

function formatBanner(config: Config, { url, emulator }: RunningGateway): string {
  const lines = [
    '',
    `  headgate listens on ${url}`,
    '',
    `  Console    ${url}/`,
    config.introspection && config.trustedDocuments === null
      ? `  GraphiQL   ${url}/graphql`
      : `  GraphQL    ${url}/graphql`,
    emulator === null
      ? `  Stream     account ${accountOf(config)}`
      : `  Emulator   ${emulator.url}  (Cloudflare Stream on this machine: no account needed)`,
    `  Database   ${databaseLabel(config.database)}`,
    config.auth.kind === 'disabled'
      ? '  Callers    every caller is the administrator `local`'
      : '  Callers    with a bearer token',
    '',
    '  Press Ctrl-C to stop.',
    '',
    '',
  ]
  return lines.join('\n')
}

function accountOf({ stream }: Config): string {
  return stream.kind === 'account' ? stream.accountId : 'local'
}
