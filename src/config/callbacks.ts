/** Reads the URLs that receive the events of uploads, and the secrets that sign them. */
import { SECRET_RULE, parseSecret } from '../callbacks/signature.ts'
import type { EnvironmentReader } from './environment-reader.ts'
import { isPublicHTTP } from './plain-http.ts'

/** Callbacks to the application. */
export interface CallbackConfig {
  /** URLs, each once; at least one. A path or a query may be secret. */
  readonly targets: readonly string[]
  /** In the order of their signatures; at least one. */
  readonly secrets: readonly string[]
}

/** Each change is stored and sent once for each target. */
const MAX_TARGETS = 10
const OTHERWISE = 'Set both, or neither for no callbacks.'

/** Returns null if callbacks are not configured, incomplete or invalid. Messages contain no part of a value. */
export function readCallbacks(variables: EnvironmentReader): CallbackConfig | null {
  const hasTargets = variables.isSet('CALLBACK_URLS')
  const hasSecret = variables.isSet('CALLBACK_SECRET')
  const targets = readTargets(variables)
  const secrets = readSecrets(variables)
  if (hasTargets && !hasSecret) {
    variables.addError('CALLBACK_SECRET', `is missing, but CALLBACK_URLS is set. ${OTHERWISE}`)
  }
  if (hasSecret && !hasTargets) {
    variables.addError('CALLBACK_URLS', `is missing, but CALLBACK_SECRET is set. ${OTHERWISE}`)
  }
  return targets.length === 0 || secrets.length === 0 ? null : { targets, secrets }
}

function readTargets(variables: EnvironmentReader): readonly string[] {
  const targets = new Set<string>()
  for (const [index, entry] of variables.list('CALLBACK_URLS').entries()) {
    const target = parseTarget(entry)
    const position = `entry ${index + 1}`
    if (target === null) {
      variables.addError(
        'CALLBACK_URLS',
        `must list http(s) URLs without user name, password and fragment, such as https://app.example.com/callbacks: ${position} is invalid.`,
      )
    } else if (targets.has(target)) {
      variables.addError('CALLBACK_URLS', `must list each URL once: ${position} is a repetition.`)
    } else {
      targets.add(target)
      if (isPublicHTTP(target)) {
        variables.warn(
          'CALLBACK_URLS',
          `has plain HTTP to another network in ${position}: callbacks can be read there. Use https.`,
        )
      }
    }
  }
  if (targets.size > MAX_TARGETS) {
    variables.addError('CALLBACK_URLS', `must list at most ${MAX_TARGETS} URLs.`)
  }
  return [...targets]
}

/** Returns null unless the entry is a URL to which `fetch` sends requests, and sends all of it. */
export function parseTarget(entry: string): string | null {
  if (!/^https?:\/\/./i.test(entry) || !URL.canParse(entry)) return null
  const { username, password, hash, href } = new URL(entry)
  return username + password + hash === '' ? href : null
}

function readSecrets(variables: EnvironmentReader): readonly string[] {
  const secrets = variables.secrets('CALLBACK_SECRET', 1)
  for (const [index, secret] of secrets.entries()) {
    if (parseSecret(secret) !== null) continue
    variables.addError(
      'CALLBACK_SECRET',
      `must list secrets of ${SECRET_RULE}: entry ${index + 1} is none.`,
    )
  }
  return secrets
}
