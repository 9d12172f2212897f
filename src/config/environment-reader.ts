/** Reads environment variables as typed values, and collects errors and warnings. */
import { type ReportScope, type VariableName, reportUnread } from './known-variables.ts'

/** Inclusive bounds of an integer. */
interface Bounds {
  readonly from: number
  readonly to?: number
}

/** Environment variables; empty ones count as not set. */
export type Environment = Readonly<Record<string, string | undefined>>

export type EnvironmentReader = ReturnType<typeof createEnvironmentReader>

/** Messages that begin with the variable's name. */
export interface Reports {
  readonly errors: readonly string[]
  /** Messages that do not prevent the start. */
  readonly warnings: readonly string[]
}

/**
 * Creates typed readers. Scalar readers return null for a missing or invalid value. List readers omit invalid
 * entries, except `secrets`. `reports()` returns the errors, which never contain values: a secret may be set in
 * the wrong variable. Reading a variable marks it as effective: read it only if the configuration depends on it.
 */
export function createEnvironmentReader(environment: Environment) {
  const errors: string[] = []
  const warnings: string[] = []
  const read = new Set<string>()

  function addError(name: string, rule: string): null {
    errors.push(`${name} ${rule}`)
    return null
  }

  function warn(name: VariableName, sentence: string): void {
    warnings.push(`${name} ${sentence}`)
  }

  /** Whether the variable is set, even if invalid. Does not count as reading it. */
  function isSet(name: VariableName): boolean {
    return (environment[name] ?? '').trim() !== ''
  }

  /** Returns the raw value; empty if not set. */
  function rawValue(name: VariableName): string {
    read.add(name)
    return environment[name] ?? ''
  }

  function withoutControls(name: string, value: string): string | null {
    if (!/\p{Cc}/u.test(value)) return value === '' ? null : value
    return addError(name, 'must not contain control characters, such as a line break.')
  }

  /** Returns the trimmed value. */
  function text(name: VariableName): string | null {
    return withoutControls(name, rawValue(name).trim())
  }

  /** Returns the value untrimmed. Reports whitespace at its ends, which is part of the secret or a copying error. */
  function secret(name: VariableName): string | null {
    const value = rawValue(name)
    if (value === value.trim()) return withoutControls(name, value)
    return addError(
      name,
      'must not begin or end with a space or a line break. Set it exactly as it was issued.',
    )
  }

  /** Returns comma-separated secrets without empty entries. Errors identify an entry by its position only. */
  function secrets(name: VariableName, minLength: number): string[] {
    const value = secret(name)
    if (value === null) return []
    const entries = value.split(',')
    if (entries.every((entry) => entry === '')) {
      addError(name, 'must list at least one secret. Add one, or unset the variable.')
    }
    return entries.flatMap((entry, index) => {
      if (entry === '') return []
      const position = `entry ${index + 1}`
      if (entry !== entry.trim()) {
        addError(
          name,
          `must separate secrets by a comma only: ${position} begins or ends with a space.`,
        )
      } else if (entry.length < minLength) {
        addError(
          name,
          `must list secrets of at least ${minLength} characters: ${position} is shorter.`,
        )
      }
      return [entry]
    })
  }

  function list(name: VariableName): string[] {
    const value = text(name)
    if (value === null) return []
    const entries = value.split(',').map((entry) => entry.trim())
    const named = entries.filter((entry) => entry !== '')
    if (named.length === 0)
      addError(name, 'must list at least one entry. Add one, or unset the variable.')
    return named
  }

  function integer(name: VariableName, { from, to }: Bounds): number | null {
    const value = text(name)
    if (value === null) return null
    const number = Number(value)
    const fits = /^\d{1,15}$/.test(value) && number >= from && number <= (to ?? Infinity)
    if (fits) return number
    const range = to === undefined ? `of at least ${from}` : `from ${from} to ${to}`
    return addError(name, `must be a whole number ${range}.`)
  }

  function flag(name: VariableName): boolean | null {
    const value = text(name)
    if (value === null || value === 'true' || value === 'false') return value && value === 'true'
    return addError(name, 'must be true or false.')
  }

  function enumValue<const T extends string>(name: VariableName, values: readonly T[]): T | null {
    const value = text(name)
    if (value === null) return null
    const known = values.find((candidate) => candidate === value)
    return known ?? addError(name, `must be one of ${values.join(', ')}.`)
  }

  /** Returns an http(s) URL without trailing slashes. */
  function url(name: VariableName): string | null {
    const value = text(name)
    if (value === null) return null
    if (!/^https?:\/\/./i.test(value) || !URL.canParse(value)) {
      return addError(name, 'must be an http(s) URL such as https://example.com/path.')
    }
    const { username, password } = new URL(value)
    // `fetch` rejects URLs with credentials: https://fetch.spec.whatwg.org/#dom-request
    if (username !== '' || password !== '') {
      return addError(name, 'must be a URL without user name and password.')
    }
    return value.replace(/\/+$/, '')
  }

  function origin(name: VariableName): string | null {
    const value = text(name)
    if (value === null) return null
    return asOrigin(value) ?? addError(name, 'must be an origin such as https://video.example.com.')
  }

  /** Returns comma-separated origins. Errors identify an entry by its position only. */
  function origins(name: VariableName): string[] {
    return list(name).flatMap((entry, index) => {
      const found = asOrigin(entry) ?? asAppOrigin(entry)
      if (found !== null) return [found]
      addError(
        name,
        `must list origins such as https://app.example.com: entry ${index + 1} is invalid.`,
      )
      return []
    })
  }

  /** Returns all errors and warnings, including those for variables in this scope that are set but were not read. */
  function reports(scope: ReportScope): Reports {
    const set = Object.entries(environment).flatMap(([name, value = '']): [string, string][] =>
      value.trim() === '' ? [] : [[name, value]],
    )
    const unread = reportUnread(new Map(set), (name) => read.has(name), scope)
    return {
      errors: [...errors, ...unread.errors],
      warnings: [...warnings, ...unread.warnings],
    }
  }

  return {
    isSet,
    text,
    secret,
    secrets,
    list,
    integer,
    flag,
    enumValue,
    url,
    origin,
    origins,
    addError,
    warn,
    reports,
  }
}

/** Returns an http(s) origin; null if the value is anything but scheme, host and optional port. */
function asOrigin(value: string): string | null {
  if (!/^https?:\/\//i.test(value) || !URL.canParse(value)) return null
  const url = new URL(value)
  const isOriginOnly =
    url.pathname === '/' &&
    url.search === '' &&
    url.hash === '' &&
    url.username + url.password === ''
  return isOriginOnly ? url.origin : null
}

/** Returns the origin of a web view app, such as `capacitor://localhost`; `URL` has no origin for custom schemes. */
function asAppOrigin(value: string): string | null {
  const isOrigin =
    /^(?!https?:|ftp:|file:|data:|blob:)[a-z][a-z\d+.-]*:\/\/[a-z\d.-]+(?::\d{1,5})?$/i
  return isOrigin.test(value) ? value.toLowerCase() : null
}
