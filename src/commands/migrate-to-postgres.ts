/** `headgate migrate --from --to`: moves a deployment from its SQLite file to PostgreSQL. */
import { existsSync } from 'node:fs'
import { type DatabaseConfig, databaseAt } from '../config/node-config.ts'
import { nameDatabase } from '../name-database.ts'
import { reasonOf } from '../node/open-database.ts'
import { openPostgres } from '../postgres/connection-pool.ts'
import { type Census, type Difference, reservationsIn, uploadsIn } from '../store/sqlite-to-postgres/summary.ts'
import { type MoveOutcome, moveUploads } from '../store/sqlite-to-postgres/copy-store.ts'
import { sentenceOfFailure, sqliteFailureOf } from '../store/sqlite/failures.ts'
import { type UploadSource, openSource } from '../store/sqlite-to-postgres/sqlite-source.ts'
import { showControls } from '../shared/terminal-controls.ts'

/** As they were typed; undefined where an option was left out. */
export interface MoveAddresses {
  readonly from: string | undefined
  readonly to: string | undefined
}

type Target = Extract<DatabaseConfig, { kind: 'postgres' }>

/** 1 where nothing could be copied, or the two differ after all. */
export async function runMoveUploads({ from, to }: MoveAddresses): Promise<number> {
  const file = from === undefined ? null : databaseAt(from)
  // What was typed may hold a password: it is not repeated.
  if (file?.kind !== 'sqlite') {
    return refuse(
      `--from ${from === undefined ? 'is missing beside --to: it' : 'must be file:PATH,'} names the SQLite file that is copied, such as file:.headgate/headgate.db.`,
    )
  }
  const target = to === undefined ? null : databaseAt(to)
  if (target?.kind !== 'postgres') {
    return refuse(
      `--to ${to === undefined ? 'is missing beside --from: it' : 'must be an address of PostgreSQL that'} names the database that the copy goes to, as postgres://USER:PASSWORD@HOST:PORT/NAME.`,
    )
  }
  if (!existsSync(file.file)) return refuse(`there is no database at ${file.file}.`)

  const names = { source: `file:${file.file}`, target: nameDatabase(target) }
  try {
    const opened = openSource(file.file)
    if (opened.kind === 'lacking') {
      const { migrations } = opened
      return refuse(
        `${names.source} lacks ${migrations} of its migrations: run \`headgate migrate\` on it first, with DATABASE_URL=${names.source}.`,
      )
    }
    try {
      return tell(await moved(opened.source, target), names)
    } finally {
      opened.source.close()
    }
  } catch (error) {
    const failure = sqliteFailureOf(error)
    const advice =
      failure === null ? 'Nothing is lost: run the command again.' : sentenceOfFailure(failure)
    throw new Error(
      `${names.source} was not copied to ${names.target}, or not all of it (${reasonOf(error)}). ${advice}`,
      { cause: error },
    )
  }
}

async function moved(source: UploadSource, target: Target): Promise<MoveOutcome> {
  const postgres = openPostgres(target, () => undefined)
  const isWatched = process.stderr.isTTY
  try {
    return await moveUploads(source, postgres, {
      onProgress(rows, size) {
        if (isWatched) process.stderr.write(`\r${grouped(rows)} of ${grouped(size)} rows`)
      },
    })
  } finally {
    // Whatever is said next has the line for itself.
    if (isWatched) process.stderr.write('\r\u001B[K')
    await postgres.close()
  }
}

interface Names {
  readonly source: string
  readonly target: string
}

/** The exit code. */
function tell(outcome: MoveOutcome, names: Names): number {
  const { source, target } = names
  switch (outcome.kind) {
    case 'moved':
      process.stdout.write(
        `${source} → ${target}: ${amountsOf(outcome.census)}: the same on both sides.\n`,
      )
      return 0
    case 'different':
      return refuse(
        `${source} and ${target} differ: ${outcome.differences.map((one) => worded(one, names)).join('; ')}. ${adviceFor(outcome.own, names)}`,
      )
    case 'foreign':
      return refuse(
        `${target} holds uploads of another deployment (${outcome.target}; ${source} is ${outcome.source}): nothing was copied. Name an empty database.`,
      )
    case 'nameless':
      return refuse(`no gateway ever worked on ${source}: there is nothing to copy.`)
    case 'busy':
      return refuse(`uploads are being moved to ${target} at this moment, by another command.`)
  }
}

function amountsOf(census: Census): string {
  return [
    amount(uploadsIn(census), 'upload'),
    amount(reservationsIn(census), 'reservation'),
    amount(census.events, 'event'),
    amount(census.notices, 'notice'),
  ].join(', ')
}

function worded({ what, source, target }: Difference, names: Names): string {
  return `${grouped(source)} ${what} in ${names.source}, ${grouped(target)} in ${names.target}`
}

function adviceFor(own: number, { source, target }: Names): string {
  return own === 0
    ? `Stop the gateway on ${source} and run the command again.`
    : `A gateway has worked on ${target} already (${amount(own, 'upload')}), and only one of the two can go on.`
}

function amount(count: number, what: string): string {
  return `${grouped(count)} ${what}${count === 1 ? '' : 's'}`
}

function grouped(count: number): string {
  return count.toLocaleString('en-US')
}

function refuse(sentence: string): number {
  process.stderr.write(`headgate: ${showControls(sentence)}\n`)
  return 1
}
