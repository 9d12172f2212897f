#!/usr/bin/env node
/** The `headgate` command line; each subcommand has its own file in `commands/`. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { z } from 'zod'
import type { TokenOptions } from './commands/token.ts'
import { escapeControls } from './shared/terminal-controls.ts'

// As in the Docker image: graphql-js checks each value in development. It reads the variable when a command is imported.
process.env['NODE_ENV'] ??= 'production'

// Commands are imported lazily, so that help and usage errors are printed without loading them.
const webhookCommands = () => import('./commands/webhook.ts')
const callbackCommands = () => import('./commands/callbacks.ts')
const SQL_OPTION = 'print the SQL for `wrangler d1 execute` instead: for a gateway on Workers'
const signingKeyCommands = () => import('./commands/signing-key.ts')

const { version: VERSION } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')))

const program = new Command('headgate')
  .description('A GraphQL gateway for direct creator uploads to Cloudflare Stream.')
  .version(VERSION)
  .addHelpText(
    'after',
    `
Configuration is by environment variables: src/config/README.md lists them, and \`headgate doctor\` checks them. Without any, the gateway listens on
http://127.0.0.1:4000 with an embedded emulator of Stream, and needs no account.`,
  )
  .showSuggestionAfterError()

program
  .command('serve')
  .description('Start the gateway. Without an account it uses the embedded emulator of Stream.')
  .action(() => run(async () => (await import('./commands/serve.ts')).serve()))

program
  .command('emulator')
  .description('Start only the emulator of Cloudflare Stream, for tests.')
  .action(() => run(async () => (await import('./commands/emulator.ts')).runEmulator()))

program
  .command('demo')
  .description(
    'Upload videos by POST and by tus, one of them private, to a temporary gateway and emulator.',
  )
  .option('--keep', 'keep running until Ctrl-C, so that you can play the videos')
  .action(({ keep }: { keep?: boolean }) =>
    run(async () => {
      const { runDemo } = await import('./demo/demo.ts')
      const { untilShutdownSignal } = await import('./commands/read-config.ts')
      return keep === true ? runDemo(untilShutdownSignal) : runDemo()
    }),
  )

program
  .command('migrate')
  .description('Apply pending migrations, or copy uploads from SQLite to PostgreSQL.')
  .option('--from <file:path>', 'SQLite file to copy; stop its gateway first')
  .option(
    '--to <postgres://…>',
    'PostgreSQL database to copy to; repeat the command after an interruption',
  )
  .option('--adopt-account', 'record the configured Stream account as the account of the uploads')
  .action(({ from, to, adoptAccount }: { from?: string; to?: string; adoptAccount?: boolean }) =>
    run(async () =>
      from === undefined && to === undefined
        ? (await import('./commands/migrate.ts')).runMigrate(adoptAccount === true)
        : (await import('./commands/migrate-to-postgres.ts')).runMigrateToPostgres({ from, to }),
    ),
  )

program
  .command('backup')
  .argument('<file>', 'path of the copy; an existing file is not overwritten')
  .description('Copy the database while the gateway runs, and check the copy.')
  .action((file: string) => run(async () => (await import('./commands/backup.ts')).runBackup(file)))

program
  .command('doctor')
  .description(
    'Check configuration, database, account, webhook, callbacks and authentication. Exit code 1 on errors.',
  )
  .option('--callbacks', 'send a test callback to each of CALLBACK_URLS')
  .action(({ callbacks }: { callbacks?: boolean }) =>
    run(async () =>
      (await import('./commands/doctor/doctor.ts')).runDoctor(process.env, callbacks === true),
    ),
  )

const webhook = program
  .command('webhook')
  .description("Show, set or delete the account's webhook at Stream.")

webhook
  .command('show')
  .description('Show the URL of the webhook.')
  .action(() => run(async () => (await webhookCommands()).showWebhook()))

webhook
  .command('set')
  .argument('<url>', "the gateway's public origin, or a complete URL")
  .option('--force', 'replace a webhook with another URL')
  .description('Set the URL of the webhook, and print its signing secret.')
  .action((url: string, options: { force?: boolean }) =>
    run(async () => (await webhookCommands()).setWebhook(url, options.force === true)),
  )

webhook
  .command('delete')
  .description('Delete the webhook.')
  .action(() => run(async () => (await webhookCommands()).deleteWebhook()))

const signingKey = program
  .command('signing-key')
  .description("Create, list or delete the account's keys for signed playback.")

signingKey
  .command('create')
  .description('Create a key, and print the variables of the gateway once.')
  .action(() => run(async () => (await signingKeyCommands()).createSigningKey()))

signingKey
  .command('list')
  .description('List the keys, without their secrets.')
  .action(() => run(async () => (await signingKeyCommands()).listSigningKeys()))

signingKey
  .command('delete')
  .argument('<id>', 'id of the key, as `list` prints it')
  .option('--force', 'delete it even if STREAM_SIGNING_KEY_ID is this key')
  .description('Delete a key. Stream rejects the tokens that it signed.')
  .action((id: string, options: { force?: boolean }) =>
    run(async () => (await signingKeyCommands()).deleteSigningKey(id, options.force === true)),
  )

program
  .command('token')
  .description(
    "Sign a caller's token with AUTH_JWT_SECRET, to try it or as an upload link for guests.",
  )
  .requiredOption('--sub <subject>', "the creator of the caller's uploads")
  .option('--admin', 'administrate the uploads of every creator')
  .option('--play', 'play the videos of every creator')
  .option('--expires <time>', 'lifetime, such as 15m, 1h or 7d', '1h')
  .option('--max-duration <seconds>', 'longest video')
  .option('--max-size <bytes>', 'largest file; below 200 MB, uploads must use tus')
  .option('--quota-minutes <minutes>', 'minutes of video, reserved and stored together')
  .option('--creates-per-minute <number>', 'uploads per minute')
  .option('--max-uploads <number>', 'uploads in all, also over several gateways')
  .action((options: TokenOptions) =>
    run(async () => (await import('./commands/token.ts')).signToken(options)),
  )

const callbacks = program
  .command('callbacks')
  .description('List callbacks to the application, send them again, or test a target.')

callbacks
  .command('list')
  .option('--dead', 'list dead letters, which are not sent again, instead')
  .option('--sql', SQL_OPTION)
  .description('List the callbacks that wait for their delivery.')
  .action(({ dead, sql }: { dead?: boolean; sql?: boolean }) =>
    run(async () => {
      const { listCallbacks, printListSql } = await callbackCommands()
      return (sql === true ? printListSql : listCallbacks)(dead === true)
    }),
  )

callbacks
  .command('replay')
  .argument('[id]', '`webhook-id` of a callback, for all targets')
  .option('--dead', 'all dead letters')
  .option('--since <time>', 'all callbacks of changes since then, such as 2026-02-27T07:20:50Z')
  .option('--sql', SQL_OPTION)
  .description('Send delivered callbacks or dead letters again, with the same ids.')
  .action((id: string | undefined, options: { dead?: boolean; since?: string; sql?: boolean }) =>
    run(async () => (await callbackCommands()).replayCallbacks({ id, ...options })),
  )

callbacks
  .command('test')
  .argument('<url>', 'target of the test')
  .description('Send a signed test callback, and print the response.')
  .action((url: string) => run(async () => (await callbackCommands()).testCallback(url)))

showHelpAfterErrors(program, 'headgate')
await program.parseAsync()

/** After an error, names the help of the command that had it. */
function showHelpAfterErrors(command: Command, name: string): void {
  const shown = command.commands.length > 0 ? 'lists the commands' : 'shows its options'
  command.showHelpAfterError(`(\`${name} --help\` ${shown}.)`)
  for (const inner of command.commands) showHelpAfterErrors(inner, `${name} ${inner.name()}`)
}

/** Runs a command and sets its exit code; prints an error as one line. */
async function run(command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command()
  } catch (error) {
    const sentence = error instanceof Error ? error.message : String(error)
    process.stderr.write(`headgate: ${escapeControls(sentence)}\n`)
    process.exitCode = 1
  }
}
