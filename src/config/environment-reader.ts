/** Reads environment variables by kind, and collects what is wrong with them. */
import { type ReportScope, type VariableName, reportUnread } from './known-variables.ts'

/** Bounds of a whole number, both included. */
interface Bounds {
  readonly from: number
  readonly to?: number
}

/** Where variables come from; those set to nothing count as left out. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What the readers found, as sentences that begin with the variable's name. */
export interface Reports {
  readonly mistakes: readonly string[]
  /** Worth knowing, and no reason not to start. */
  readonly warnings: readonly string[]
}

/**
 * Each reader gives null for what is left out or wrong; what is wrong is in `reports()`. What was
 * set is not repeated there: a secret may stand in the wrong variable. A variable counts as having
 * an effect once it is read: read it only where the configuration depends on it.
 */
export function createVariables(environment: Environment) {
  const mistakes: string[] = []
  const warnings: string[] = []
  const read = new Set<string>()

  function mistake(name: string, right: string): null {
    mistakes.push(`${name} ${right}`)
    return null
  }

  function warn(name: VariableName, sentence: string): void {
    warnings.push(`${name} ${sentence}`)
  }

  /** Whether it is set at all, right or wrong. Does not count as reading it. */
  function isSet(name: VariableName): boolean {
    return (environment[name] ?? '').trim() !== ''
  }

  /** As it was set; empty where it was left out. */
  function given(name: VariableName): string {
    read.add(name)
    return environment[name] ?? ''
  }

  function withoutControls(name: string, value: string): string | null {
    if (!/\p{Cc}/u.test(value)) return value === '' ? null : value
    return mistake(name, 'must not contain control characters, such as a line break.')
  }

  /** Blanks around it are trimmed: none of these values can begin or end with one. */
  function text(name: VariableName): string | null {
    return withoutControls(name, given(name).trim())
  }

  /** Taken as it is: a blank at an end is part of the secret, or a mistake in copying it. */
  function secret(name: VariableName): string | null {
    const value = given(name)
    if (value === value.trim()) return withoutControls(name, value)
    return mistake(
      name,
      'must not begin or end with a blank or a line break: set it exactly as it was issued.',
    )
  }

  /** Several, with nothing but a comma between two; an empty entry is left out. Entries are counted, not repeated. */
  function secrets(name: VariableName, least: number): string[] {
    const value = secret(name)
    if (value === null) return []
    const entries = value.split(',')
    if (entries.every((entry) => entry === '')) {
      mistake(name, 'must list at least one secret: set one, or unset it.')
    }
    return entries.flatMap((entry, index) => {
      if (entry === '') return []
      const place = `entry ${index + 1}`
      if (entry !== entry.trim()) {
        mistake(
          name,
          `must have nothing but a comma between two secrets: ${place} begins or ends with a blank.`,
        )
      } else if (entry.length < least) {
        mistake(name, `must list secrets of at least ${least} characters: ${place} has fewer.`)
      }
      return [entry]
    })
  }

  function list(name: VariableName): string[] {
    const value = text(name)
    if (value === null) return []
    const entries = value.split(',').map((entry) => entry.trim())
    const named = entries.filter((entry) => entry !== '')
    if (named.length === 0) mistake(name, 'must list at least one entry: add one, or unset it.')
    return named
  }

  function wholeNumber(name: VariableName, { from, to }: Bounds): number | null {
    const value = text(name)
    if (value === null) return null
    const number = Number(value)
    const fits = /^\d{1,15}$/.test(value) && number >= from && number <= (to ?? Infinity)
    if (fits) return number
    const range = to === undefined ? `of at least ${from}` : `from ${from} to ${to}`
    return mistake(name, `must be a whole number ${range}.`)
  }

  function flag(name: VariableName): boolean | null {
    const value = text(name)
    if (value === null || value === 'true' || value === 'false') return value && value === 'true'
    return mistake(name, 'must be true or false.')
  }

  function oneOf<const T extends string>(name: VariableName, values: readonly T[]): T | null {
    const value = text(name)
    if (value === null) return null
    const known = values.find((candidate) => candidate === value)
    return known ?? mistake(name, `must be one of ${values.join(', ')}.`)
  }

  /** An http(s) address, without a slash at its end. */
  function address(name: VariableName): string | null {
    const value = text(name)
    if (value === null) return null
    if (!/^https?:\/\/./i.test(value) || !URL.canParse(value)) {
      return mistake(name, 'must be an http(s) address such as https://example.com/path.')
    }
    const { username, password } = new URL(value)
    // No request can be made with them: https://fetch.spec.whatwg.org/#dom-request
    if (username !== '' || password !== '') {
      return mistake(name, 'must be an address without a user and a password in it.')
    }
    return value.replace(/\/+$/, '')
  }

  function origin(name: VariableName): string | null {
    const value = text(name)
    if (value === null) return null
    return asOrigin(value) ?? mistake(name, 'must be an origin such as https://video.example.com.')
  }

  /** Entries are not repeated either: they are counted. */
  function origins(name: VariableName): string[] {
    return list(name).flatMap((entry, index) => {
      const found = asOrigin(entry) ?? asAppOrigin(entry)
      if (found !== null) return [found]
      mistake(
        name,
        `must list origins such as https://app.example.com: entry ${index + 1} is none.`,
      )
      return []
    })
  }

  /** All that was found, and each variable of this scope that is set and was not read. */
  function reports(scope: ReportScope): Reports {
    const set = Object.entries(environment).flatMap(([name, value = '']): [string, string][] =>
      value.trim() === '' ? [] : [[name, value]],
    )
    const unread = reportUnread(new Map(set), (name) => read.has(name), scope)
    return {
      mistakes: [...mistakes, ...unread.errors],
      warnings: [...warnings, ...unread.warnings],
    }
  }

  return {
    isSet,
    text,
    secret,
    secrets,
    list,
    wholeNumber,
    flag,
    oneOf,
    address,
    origin,
    origins,
    mistake,
    warn,
    reports,
  }
}

/** Null where it is more or less than scheme, host and port. */
function asOrigin(value: string): string | null {
  if (!/^https?:\/\//i.test(value) || !URL.canParse(value)) return null
  const url = new URL(value)
  const bare =
    url.pathname === '/' &&
    url.search === '' &&
    url.hash === '' &&
    url.username + url.password === ''
  return bare ? url.origin : null
}

/** Apps in a web view have schemes of their own, such as `capacitor://localhost`; `URL` knows none. */
function asAppOrigin(value: string): string | null {
  const isOrigin =
    /^(?!https?:|ftp:|file:|data:|blob:)[a-z][a-z\d+.-]*:\/\/[a-z\d.-]+(?::\d{1,5})?$/i
  return isOrigin.test(value) ? value.toLowerCase() : null
}
