#!/usr/bin/env node
/** The `headgate` command line; each subcommand has its own file in `commands/`. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { z } from 'zod'
import { showControls } from './shared/terminal-controls.ts'

// Commands are imported lazily, so that help and usage errors are printed at once.
const webhookCommands = () => import('./commands/webhook.ts')

const { version: VERSION } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')))

const program = new Command('headgate')
  .description('A GraphQL gateway for direct creator uploads to Cloudflare Stream.')
  .version(VERSION)
  .showHelpAfterError('(`headgate --help` lists the commands.)')
  .addHelpText(
    'after',
    `
Everything is configured by environment variables: src/config/README.md lists them,
and \`headgate doctor\` checks them. Without any, the gateway listens on
http://127.0.0.1:4000 with an emulator of Stream, and needs no account.`,
  )
  .showSuggestionAfterError()

program
  .command('serve')
  .description('Start the gateway; without an account, with the embedded emulator of Stream.')
  .action(() => run(async () => (await import('./commands/serve.ts')).serve()))

program
  .command('emulator')
  .description('Start the emulator of Cloudflare Stream alone, for any test suite.')
  .action(() => run(async () => (await import('./commands/emulator.ts')).runEmulator()))

program
  .command('demo')
  .description('Upload a real video both ways against a gateway and an emulator of its own.')
  .option('--keep', 'go on until Ctrl-C, so that the videos can be played')
  .action(({ keep }: { keep?: boolean }) =>
    run(async () => {
      const { runDemo } = await import('./demo/demo.ts')
      const { untilShutdownSignal } = await import('./commands/read-config.ts')
      return keep === true ? runDemo(untilShutdownSignal) : runDemo()
    }),
  )

program
  .command('migrate')
  .description('Bring the database up to date, or move uploads from SQLite to PostgreSQL.')
  .option('--from <file:path>', 'the SQLite file whose uploads are moved, with no gateway on it')
  .option('--to <postgres://…>', 'the database that they go to; again after an interruption')
  .option('--adopt-account', 'note the configured Stream account as the one of its uploads')
  .action(({ from, to, adoptAccount }: { from?: string; to?: string; adoptAccount?: boolean }) =>
    run(async () =>
      from === undefined && to === undefined
        ? (await import('./commands/migrate.ts')).runMigrate(adoptAccount === true)
        : (await import('./commands/migrate-to-postgres.ts')).runMigrateToPostgres({ from, to }),
    ),
  )

program
  .command('backup')
  .argument('<file>', 'where the copy goes; nothing is overwritten')
  .description('Copy the database while the gateway works, and check the copy.')
  .action((file: string) => run(async () => (await import('./commands/backup.ts')).runBackup(file)))

program
  .command('doctor')
  .description(
    'Check configuration, database, account, webhook and callers; exit 1 where something is wrong.',
  )
  .action(() =>
    run(async () => (await import('./commands/doctor/doctor.ts')).runDoctor(process.env)),
  )

const webhook = program
  .command('webhook')
  .description("Look after the account's one webhook at Stream.")

webhook
  .command('show')
  .description('Show where Stream sends its notices.')
  .action(() => run(async () => (await webhookCommands()).showWebhook()))

webhook
  .command('set')
  .argument('<url>', "the gateway's public address, or a whole URL")
  .option('--force', 'replace a webhook that points elsewhere')
  .description('Send notices there, and print the secret that signs them, once.')
  .action((url: string, options: { force?: boolean }) =>
    run(async () => (await webhookCommands()).setWebhook(url, options.force === true)),
  )

webhook
  .command('delete')
  .description('Send notices nowhere.')
  .action(() => run(async () => (await webhookCommands()).deleteWebhook()))

await program.parseAsync()

/** Runs a command and sets its exit code; prints an error as one line. */
async function run(command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command()
  } catch (error) {
    const sentence = error instanceof Error ? error.message : String(error)
    process.stderr.write(`headgate: ${showControls(sentence)}\n`)
    process.exitCode = 1
  }
}
