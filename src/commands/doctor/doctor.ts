/** `headgate doctor`: checks what a gateway needs, and says what to do where something is wrong. */
import { styleText } from 'node:util'
import { type Config, readConfig } from '../../config/node-config.ts'
import type { StreamBackend } from '../../uploads/ports/stream-api.ts'
import { createRestBackend } from '../../stream/rest/rest-stream-api.ts'
import { type Finding, examineCallers, examineStream, examineWebhook } from './checks.ts'
import { examineDatabase } from './check-database.ts'
import { showControls } from '../../shared/terminal-controls.ts'

type Environment = Parameters<typeof readConfig>[0]

const MARKS = {
  well: ['ok', 'green'],
  odd: ['--', 'yellow'],
  wrong: ['!!', 'red'],
} as const

/** One line each; 1 where something is wrong. */
export async function runDoctor(environment: Environment): Promise<number> {
  const findings = await examine(environment)
  for (const finding of findings) process.stdout.write(write(finding))
  return findings.some(({ state }) => state === 'wrong') ? 1 : 0
}

async function examine(environment: Environment): Promise<readonly Finding[]> {
  const outcome = readConfig(environment)
  const subject = 'Configuration'
  const warnings = outcome.warnings.map((sentence): Finding => ({
    state: 'odd',
    subject,
    sentence,
  }))
  if (outcome.kind === 'mistakes') {
    const mistakes = outcome.mistakes.map((sentence): Finding => ({
      state: 'wrong',
      subject,
      sentence,
    }))
    return [...mistakes, ...warnings]
  }
  const { config } = outcome
  const stream = accountOf(config)
  return [
    ...(warnings.length === 0
      ? [{ state: 'well', subject, sentence: 'nothing contradicts anything.' } as const]
      : warnings),
    await examineDatabase(config.database, accountIdOf(config)),
    await examineStream(config, stream),
    await examineWebhook(config, stream),
    await examineCallers(config),
  ]
}

function accountIdOf({ stream }: Config): string {
  return stream.kind === 'account' ? stream.accountId : 'local'
}

function accountOf({ stream }: Config): StreamBackend | null {
  if (stream.kind === 'emulator') return null
  const { accountId, apiToken, baseURL } = stream
  return createRestBackend({ accountId, apiToken, baseUrl: baseURL })
}

function write({ state, subject, sentence }: Finding): string {
  const [mark, colour] = MARKS[state]
  const shown = isColoured() ? styleText(colour, mark) : mark
  return `${shown}  ${subject.padEnd(13)}  ${showControls(sentence)}\n`
}

/** https://no-color.org */
function isColoured(): boolean {
  return process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === ''
}
