/** The names of all variables of headgate, and the report of those that are set without effect. */

const WITHOUT_TOKENS =
  'where no tokens are verified: set AUTH_JWT_SECRET or AUTH_JWKS_URL, without AUTH_DISABLED=true, or unset it.'

/**
 * Null for a variable that always has an effect where it is read. Otherwise what takes the effect
 * away and what would be right: it follows `NAME has no effect`.
 */
export const knownVariables = {
  CLOUDFLARE_ACCOUNT_ID: null,
  CLOUDFLARE_API_TOKEN: null,
  CLOUDFLARE_API_BASE_URL:
    'without CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN: set both, or unset it.',
  STREAM_WEBHOOK_SECRET: null,
  HOST: null,
  PORT: null,
  PUBLIC_URL: null,
  DATABASE_URL: null,
  DATABASE_CONNECTIONS: 'with SQLite: set DATABASE_URL to a PostgreSQL server, or unset it.',
  AUTH_JWT_SECRET: 'with AUTH_DISABLED=true: unset one of the two.',
  AUTH_JWKS_URL: 'with AUTH_DISABLED=true: unset one of the two.',
  AUTH_ISSUER: WITHOUT_TOKENS,
  AUTH_AUDIENCE: WITHOUT_TOKENS,
  AUTH_DISABLED: null,
  ALLOWED_ORIGINS: null,
  TRUSTED_PROXIES: null,
  MAX_DURATION_SECONDS: null,
  CREATOR_QUOTA_MINUTES: null,
  RATE_LIMIT_CREATES: null,
  STREAM_API_BUDGET: null,
  INTROSPECTION: null,
  METRICS_TOKEN: null,
  LOG_LEVEL: null,
  EMULATOR_TOKEN: null,
  EMULATOR_PUBLIC_URL: null,
  EMULATOR_PORT: null,
  EMULATOR_DIR: null,
  EMULATOR_STORAGE_MINUTES: null,
  EMULATOR_ENCODE_MS: null,
} as const satisfies Readonly<Record<string, string | null>>

export type VariableName = keyof typeof knownVariables

/** Which variables a command or host reports, and how. */
export interface ReportScope {
  /** Names that it reports at all: others belong to other commands. @default every name */
  readonly names?: RegExp
  /** Names that another command or host reads in the same environment: a warning, not an error. */
  readonly elsewhere?: { readonly names: RegExp; readonly reason: string }
}

/** Sentences that begin with the variable's name. */
export interface UnreadReport {
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
}

/** Unknown names with these prefixes are always reported: a mistyped check of tokens must not pass unseen. */
const OWN_PREFIX = /^(?:AUTH|EMULATOR)_/
/** Other names cannot be meant, and could break a line of the log. */
const PLAUSIBLE_NAME = /^[\w-]{1,100}$/
/** Mistyped characters: at most one for each six of the name, and at most two. */
const CHARACTERS_PER_EDIT = 6
const MOST_EDITS = 2

/**
 * Reports every variable that is set and was not read. A known name contradicts what else is set: an
 * error. An unknown one that looks like a known one may belong to another program: a warning.
 * @param environment only what is set, without empty values
 * @param isRead whether the configuration was made with this variable
 */
export function reportUnread(
  environment: ReadonlyMap<string, string>,
  isRead: (name: string) => boolean,
  { names, elsewhere }: ReportScope,
): UnreadReport {
  const errors: string[] = []
  const warnings: string[] = []
  for (const [name, value] of environment) {
    if (isRead(name) || names?.test(name) === false) continue
    if (!isKnown(name)) {
      warnings.push(...reportUnknown(name, value, environment))
    } else if (elsewhere?.names.test(name) === true) {
      warnings.push(`${name} has no effect ${elsewhere.reason}`)
    } else {
      errors.push(`${name} has no effect ${knownVariables[name] ?? 'here: unset it.'}`)
    }
  }
  return { errors, warnings }
}

function isKnown(name: string): name is VariableName {
  return Object.hasOwn(knownVariables, name)
}

function reportUnknown(
  name: string,
  value: string,
  environment: ReadonlyMap<string, string>,
): readonly string[] {
  // Kubernetes sets NAME_PORT=tcp://… for each service, headgate's own too.
  if (!PLAUSIBLE_NAME.test(name) || value.startsWith('tcp://')) return []
  const meant = findMeant(name, environment)
  if (meant === null && !OWN_PREFIX.test(name)) return []
  const advice = meant === null ? '' : ` Set ${meant} instead.`
  return [`${name} has no effect: headgate has no such variable.${advice}`]
}

/** The known variable that a name was meant to be; one that is set itself was not meant. */
function findMeant(name: string, environment: ReadonlyMap<string, string>): VariableName | null {
  const upper = name
    .toUpperCase()
    .replaceAll('-', '_')
    .replace(/^HEADGATE_/, '')
  const most = Math.min(MOST_EDITS, Math.floor(upper.length / CHARACTERS_PER_EDIT))
  let nearest: { readonly name: VariableName; readonly edits: number } | null = null
  for (const candidate of Object.keys(knownVariables)) {
    if (!isKnown(candidate) || environment.has(candidate)) continue
    const edits = countEdits(upper, candidate)
    if (edits <= most && edits < (nearest?.edits ?? Infinity)) nearest = { name: candidate, edits }
  }
  return nearest?.name ?? null
}

/** Levenshtein distance: characters to insert, delete or replace until one text is the other. */
function countEdits(from: string, to: string): number {
  let before = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (const [row, character] of Array.from(from).entries()) {
    const line = [row + 1]
    for (const [column, other] of Array.from(to).entries()) {
      const replaced = (before[column] ?? 0) + (character === other ? 0 : 1)
      line.push(Math.min(replaced, (before[column + 1] ?? 0) + 1, (line[column] ?? 0) + 1))
    }
    before = line
  }
  return before.at(-1) ?? 0
}
