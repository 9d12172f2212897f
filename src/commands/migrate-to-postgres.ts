/** `headgate migrate --from --to`: copies a deployment from its SQLite file to PostgreSQL. */
import { existsSync } from 'node:fs'
import { type DatabaseConfig, parseDatabaseURL, databaseLabel } from '../config/node-config.ts'
import { rootCauseMessage } from '../shared/error-codes.ts'
import { openPostgres } from '../postgres/connection-pool.ts'
import {
  type StoreSummary,
  type SummaryDifference,
  countReservations,
  countUploads,
} from '../store/sqlite-to-postgres/summary.ts'
import { type CopyOutcome, copyStore } from '../store/sqlite-to-postgres/copy-store.ts'
import { failureMessage, sqliteFailureOf } from '../store/sqlite/failures.ts'
import { type UploadSource, openSqliteSource } from '../store/sqlite-to-postgres/sqlite-source.ts'
import { escapeControls } from '../shared/terminal-controls.ts'

/** Command-line options as typed; undefined if omitted. */
export interface MigrationURLs {
  readonly from: string | undefined
  readonly to: string | undefined
}

type Target = Extract<DatabaseConfig, { kind: 'postgres' }>

/** Returns the exit code: 1 if nothing was copied or the databases differ. Throws if the copy fails. */
export async function runMigrateToPostgres({ from, to }: MigrationURLs): Promise<number> {
  const file = from === undefined ? null : parseDatabaseURL(from)
  // Messages must not contain the options: they may contain a password.
  if (file?.kind !== 'sqlite') {
    return fail(
      `--from is ${from === undefined ? 'missing' : 'invalid'}. Set it to the SQLite file to copy, such as file:.headgate/headgate.db.`,
    )
  }
  const target = to === undefined ? null : parseDatabaseURL(to)
  if (target?.kind !== 'postgres') {
    return fail(
      `--to is ${to === undefined ? 'missing' : 'invalid'}. Set it to the PostgreSQL database to copy to, as postgres://USER:PASSWORD@HOST:PORT/NAME.`,
    )
  }
  if (!existsSync(file.file)) return fail(`no database at ${file.file}.`)

  const labels = { source: `file:${file.file}`, target: databaseLabel(target) }
  try {
    const opened = openSqliteSource(file.file)
    if (opened.kind === 'not-migrated') {
      const { migrations } = opened
      return fail(
        `${labels.source} has pending migrations (${migrations}). Run \`headgate migrate\` first, with DATABASE_URL=${labels.source}.`,
      )
    }
    try {
      return report(await copy(opened.source, target), labels)
    } finally {
      opened.source.close()
    }
  } catch (error) {
    const failure = sqliteFailureOf(error)
    const advice =
      failure === null ? 'No data is lost. Run the command again.' : failureMessage(failure)
    throw new Error(
      `Copying ${labels.source} to ${labels.target} failed (${rootCauseMessage(error)}). ${advice}`,
      { cause: error },
    )
  }
}

async function copy(source: UploadSource, target: Target): Promise<CopyOutcome> {
  const postgres = openPostgres(target, () => undefined)
  const showsProgress = process.stderr.isTTY
  try {
    return await copyStore(source, postgres, {
      onProgress(rows, size) {
        if (showsProgress)
          process.stderr.write(`\r${formatCount(rows)} of ${formatCount(size)} rows`)
      },
    })
  } finally {
    // Clears the progress line.
    if (showsProgress) process.stderr.write('\r\u001B[K')
    await postgres.close()
  }
}

interface Labels {
  readonly source: string
  readonly target: string
}

/** Prints the outcome; returns the exit code. */
function report(outcome: CopyOutcome, labels: Labels): number {
  const { source, target } = labels
  switch (outcome.kind) {
    case 'copied':
      process.stdout.write(
        `${source} → ${target}: ${formatSummary(outcome.summary)}: equal in both databases.\n`,
      )
      return 0
    case 'different':
      return fail(
        `${source} and ${target} differ: ${outcome.differences.map((difference) => formatDifference(difference, labels)).join('; ')}. ${adviceFor(outcome.newerInTarget, labels)}`,
      )
    case 'other-deployment':
      return fail(
        `${target} holds uploads of another deployment (${outcome.target}; ${source} is ${outcome.source}). Nothing was copied. Use an empty database.`,
      )
    case 'no-deployment-id':
      return fail(`no gateway has ever used ${source}: there is nothing to copy.`)
    case 'busy':
      return fail(`another command is copying uploads to ${target}. Wait until it ends.`)
  }
}

function formatSummary(summary: StoreSummary): string {
  return [
    formatAmount(countUploads(summary), 'upload'),
    formatAmount(countReservations(summary), 'reservation'),
    formatAmount(summary.events, 'event'),
    formatAmount(summary.webhooks, 'webhook'),
    formatAmount(summary.callbacks, 'callback'),
  ].join(', ')
}

function formatDifference({ label, source, target }: SummaryDifference, labels: Labels): string {
  return `${formatCount(source)} ${label} in ${labels.source}, ${formatCount(target)} in ${labels.target}`
}

function adviceFor(newerInTarget: number, { source, target }: Labels): string {
  return newerInTarget === 0
    ? `Stop the gateway on ${source} and run the command again.`
    : `A gateway has already used ${target} (${formatAmount(newerInTarget, 'upload')}). Continue with only one of the two databases.`
}

function formatAmount(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

function fail(sentence: string): number {
  process.stderr.write(`headgate: ${escapeControls(sentence)}\n`)
  return 1
}
