/** Lists all environment variables of headgate, and reports variables that are set without effect. */

const AUTHENTICATION_DISABLED =
  'while authentication is disabled. Set AUTH_JWT_SECRET or AUTH_JWKS_URL without AUTH_DISABLED=true, or unset it.'

/**
 * Names of all variables. Each value completes the message `NAME has no effect …` with the cause and the fix.
 * Null if the variable always has an effect on hosts that read it.
 */
export const knownVariables = {
  CLOUDFLARE_ACCOUNT_ID: null,
  CLOUDFLARE_API_TOKEN: null,
  CLOUDFLARE_API_BASE_URL:
    'without CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN. Set both, or unset it.',
  STREAM_WEBHOOK_SECRET: null,
  STREAM_SIGNING_KEY_ID: null,
  STREAM_SIGNING_KEY_JWK: null,
  CALLBACK_URLS: null,
  CALLBACK_SECRET: null,
  HOST: null,
  PORT: null,
  PUBLIC_URL: null,
  DATABASE_URL: null,
  DATABASE_CONNECTIONS: 'with SQLite. Set DATABASE_URL to a PostgreSQL server, or unset it.',
  AUTH_JWT_SECRET: 'with AUTH_DISABLED=true. Unset one of the two.',
  AUTH_JWKS_URL: 'with AUTH_DISABLED=true. Unset one of the two.',
  AUTH_ISSUER: AUTHENTICATION_DISABLED,
  AUTH_AUDIENCE: AUTHENTICATION_DISABLED,
  AUTH_DISABLED: null,
  ALLOWED_ORIGINS: null,
  TRUSTED_PROXIES: null,
  MAX_DURATION_SECONDS: null,
  CREATOR_QUOTA_MINUTES: null,
  RATE_LIMIT_CREATES: null,
  WATERMARK_UID: null,
  STREAM_API_BUDGET: null,
  INTROSPECTION: null,
  TRUSTED_DOCUMENTS:
    'on Workers: only the gateway on Node reads the file. Unset it, and deploy the gateway on Node to restrict operations.',
  FEDERATION: null,
  METRICS_TOKEN: null,
  LOG_LEVEL: null,
  EMULATOR_TOKEN: null,
  EMULATOR_PUBLIC_URL: null,
  EMULATOR_PORT: null,
  EMULATOR_DIR: null,
  EMULATOR_STORAGE_MINUTES: null,
  EMULATOR_DISK_BYTES: null,
  EMULATOR_ENCODE_MS: null,
} as const satisfies Readonly<Record<string, string | null>>

export type VariableName = keyof typeof knownVariables

/** Which unread variables a command or host reports, and how. */
export interface ReportScope {
  /** Names to report; others belong to other commands. @default all */
  readonly names?: RegExp
  /** Names that another command or host reads in the same environment: reported as warnings. */
  readonly otherReader?: { readonly names: RegExp; readonly reason: string }
}

/** Messages that begin with the variable's name. */
export interface UnreadReport {
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
}

/** Prefixes with which unknown names are always reported, because a mistyped AUTH variable is dangerous. */
const OWN_PREFIX = /^(?:AUTH|EMULATOR)_/
/** Unknown names that may be reported. Others are not typing errors, and could inject log lines. */
const PLAUSIBLE_NAME = /^[\w-]{1,100}$/
/** Similar names differ by one typing error per six characters, at most two. */
const CHARACTERS_PER_EDIT = 6
const MAX_EDITS = 2

/**
 * Reports variables that are set but were not read. A known variable is an error, because it contradicts other
 * variables. An unknown variable with a similar name is a warning, because it may belong to another program.
 * @param environment variables that are set and not empty
 * @param isRead returns whether the configuration depends on a variable
 */
export function reportUnread(
  environment: ReadonlyMap<string, string>,
  isRead: (name: string) => boolean,
  { names, otherReader }: ReportScope,
): UnreadReport {
  const errors: string[] = []
  const warnings: string[] = []
  for (const [name, value] of environment) {
    if (isRead(name) || names?.test(name) === false) continue
    if (!isKnown(name)) {
      warnings.push(...reportUnknown(name, value, environment))
    } else if (otherReader?.names.test(name) === true) {
      warnings.push(`${name} has no effect ${otherReader.reason}`)
    } else {
      errors.push(`${name} has no effect ${knownVariables[name] ?? 'here. Unset it.'}`)
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
  // Kubernetes sets NAME_PORT=tcp://… for each service, including headgate's.
  if (!PLAUSIBLE_NAME.test(name) || value.startsWith('tcp://')) return []
  const similar = findSimilar(name, environment)
  if (similar === null && !OWN_PREFIX.test(name)) return []
  const advice = similar === null ? '' : ` Set ${similar} instead.`
  return [`${name} has no effect: headgate has no such variable.${advice}`]
}

/** Returns the most similar known variable that is not set; null if there is none. */
function findSimilar(name: string, environment: ReadonlyMap<string, string>): VariableName | null {
  const upper = name
    .toUpperCase()
    .replaceAll('-', '_')
    .replace(/^HEADGATE_/, '')
  const maxEdits = Math.min(MAX_EDITS, Math.floor(upper.length / CHARACTERS_PER_EDIT))
  let nearest: { readonly name: VariableName; readonly edits: number } | null = null
  for (const candidate of Object.keys(knownVariables)) {
    if (!isKnown(candidate) || environment.has(candidate)) continue
    const edits = countEdits(upper, candidate)
    if (edits <= maxEdits && edits < (nearest?.edits ?? Infinity))
      nearest = { name: candidate, edits }
  }
  return nearest?.name ?? null
}

/** Returns the Levenshtein distance. */
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
