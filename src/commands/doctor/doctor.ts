/** `headgate doctor`: checks configuration, database, Stream, webhook, playback, callbacks and authentication, and prints fixes. */
import { styleText } from 'node:util'
import { type Config, readConfig } from '../../config/gateway-config.ts'
import { createRestStreamApi } from '../../stream/rest/rest-stream-api.ts'
import { createSigningKeys } from '../../stream/rest/signing-keys.ts'
import type { AccountOptions } from '../../stream/rest/rest-client.ts'
import {
  type CheckResult,
  checkAuthentication,
  checkPlayback,
  checkStream,
  checkTrustedDocuments,
  checkWebhook,
} from './checks.ts'
import { checkCallbacks } from './check-callbacks.ts'
import { checkDatabase } from './check-database.ts'
import { escapeControls } from '../../shared/terminal-controls.ts'

type Environment = Parameters<typeof readConfig>[0]

const MARKS = {
  ok: ['ok', 'green'],
  warning: ['--', 'yellow'],
  error: ['!!', 'red'],
} as const

/**
 * Prints one line per check. Returns the exit code: 1 if there is an error.
 * @param sendsCallbacks whether to send a test callback to each target
 */
export async function runDoctor(environment: Environment, sendsCallbacks = false): Promise<number> {
  const results = await runChecks(environment, sendsCallbacks)
  for (const result of results) process.stdout.write(formatResult(result))
  return results.some(({ state }) => state === 'error') ? 1 : 0
}

async function runChecks(
  environment: Environment,
  sendsCallbacks: boolean,
): Promise<readonly CheckResult[]> {
  const outcome = readConfig(environment)
  const subject = 'Configuration'
  const warnings = outcome.warnings.map((sentence): CheckResult => ({
    state: 'warning',
    subject,
    sentence,
  }))
  if (outcome.kind === 'errors') {
    const errors = outcome.errors.map((sentence): CheckResult => ({
      state: 'error',
      subject,
      sentence,
    }))
    return [...errors, ...warnings]
  }
  const { config } = outcome
  const account = accountOf(config)
  const documents = checkTrustedDocuments(config)
  const stream = account === null ? null : createRestStreamApi(account)
  return [
    ...(warnings.length === 0
      ? [{ state: 'ok', subject, sentence: 'no errors.' } as const]
      : warnings),
    await checkDatabase(config.database, accountIdOf(config)),
    await checkStream(config, stream),
    await checkWebhook(config, stream),
    await checkPlayback(config, account === null ? null : createSigningKeys(account)),
    ...(await checkCallbacks(config, sendsCallbacks)),
    await checkAuthentication(config),
    ...(documents === null ? [] : [documents]),
  ]
}

function accountIdOf({ stream }: Config): string {
  return stream.kind === 'account' ? stream.accountId : 'local'
}

function accountOf({ stream }: Config): AccountOptions | null {
  if (stream.kind === 'emulator') return null
  const { accountId, apiToken, baseURL } = stream
  return { accountId, apiToken, baseUrl: baseURL }
}

function formatResult({ state, subject, sentence }: CheckResult): string {
  const [mark, color] = MARKS[state]
  const shown = usesColor() ? styleText(color, mark) : mark
  return `${shown}  ${subject.padEnd(13)}  ${escapeControls(sentence)}\n`
}

/** https://no-color.org */
function usesColor(): boolean {
  return process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === ''
}
