/** Reads environment variables by kind, and collects what is wrong with them. */

/** Bounds of a whole number, both included. */
interface Bounds {
  readonly from: number
  readonly to?: number
}

/**
 * Each reader gives null for what is left out or wrong; what is wrong is in `mistakes()`. What was
 * set is not repeated there: a secret may stand in the wrong variable.
 */
export function createVariables(environment: Readonly<Record<string, string | undefined>>) {
  const mistakes: string[] = []

  function mistake(name: string, right: string): null {
    mistakes.push(`${name} ${right}`)
    return null
  }

  function text(name: string): string | null {
    const value = environment[name]?.trim() ?? ''
    return value === '' ? null : value
  }

  function list(name: string): string[] {
    const entries = (text(name) ?? '').split(',').map((entry) => entry.trim())
    return entries.filter((entry) => entry !== '')
  }

  function wholeNumber(name: string, { from, to }: Bounds): number | null {
    const value = text(name)
    if (value === null) return null
    const number = Number(value)
    const fits = /^\d{1,15}$/.test(value) && number >= from && number <= (to ?? Infinity)
    if (fits) return number
    const range = to === undefined ? `of at least ${from}` : `from ${from} to ${to}`
    return mistake(name, `must be a whole number ${range}.`)
  }

  function flag(name: string): boolean | null {
    const value = text(name)
    if (value === null || value === 'true' || value === 'false') return value && value === 'true'
    return mistake(name, 'must be true or false.')
  }

  function oneOf<const T extends string>(name: string, values: readonly T[]): T | null {
    const value = text(name)
    if (value === null) return null
    const known = values.find((candidate) => candidate === value)
    return known ?? mistake(name, `must be one of ${values.join(', ')}.`)
  }

  /** An http(s) address, without a slash at its end. */
  function address(name: string): string | null {
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

  function origin(name: string): string | null {
    const value = text(name)
    if (value === null) return null
    return asOrigin(value) ?? mistake(name, 'must be an origin such as https://video.example.com.')
  }

  /** Entries are not repeated either: they are counted. */
  function origins(name: string): string[] {
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

  return {
    text,
    list,
    wholeNumber,
    flag,
    oneOf,
    address,
    origin,
    origins,
    mistake,
    mistakes: (): readonly string[] => mistakes,
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
