/** Looks whether a database is fit to be used, and what it is called. */
import { text } from '../sqlite/column-values.ts'
import { type Asking, type Question, questionOf } from './d1-client.ts'
import { isLacking } from './errors.ts'
import { presence, statements, triggersAndIndexes } from './statements.ts'

/**
 * Triggers that keep the totals, and the newest indexes of the lists, see the migrations. Without them all
 * would seem well, but totals would be wrong, and lists would read (and D1 would bill) whole tables.
 */
const REQUIRED = [
  'upload_added',
  'upload_changed',
  'upload_removed',
  'uploads_by_creator_status',
  'uploads_by_status',
]

/**
 * The name by which this database knows its own uploads at Stream; made with the first look at it.
 * Throws where a migration has not been applied: that is no work for a Worker, of which many may
 * start at once.
 */
export async function openDeployment(asking: Asking): Promise<string> {
  const id = crypto.randomUUID().slice(0, 8)
  const questions: Question[] = [
    questionOf(triggersAndIndexes, {}),
    ...presence.map((worded) => questionOf(worded, {})),
    questionOf(statements.nameDeployment, { id }),
    questionOf(statements.deployment, {}),
  ]
  const answers = await asking.together(questions).catch((error: unknown) => {
    throw isLacking(error) ? lacking(error) : error
  })
  const there = new Set((answers[0] ?? []).map(([name]) => name))
  const missing = REQUIRED.filter((name) => !there.has(name))
  if (missing.length > 0) throw lacking(new Error(`Missing in the schema: ${missing.join(', ')}.`))
  return text(answers.at(-1)?.[0]?.[0])
}

function lacking(cause: unknown): Error {
  return new Error(
    'The D1 database lacks what migrations make: apply those of migrations/sqlite with `wrangler d1 migrations apply`.',
    { cause },
  )
}
