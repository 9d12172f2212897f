/** The log of a Worker: one JSON object a line, which its observability keeps. */
import { type LogLevel, logLevels } from '../config/base-config.ts'
import { redact } from '../shared/redact-log-line.ts'
import type { Log } from '../uploads/dependencies.ts'

type Level = 'debug' | 'info' | 'warn' | 'error'

/** Lines below the level are left out. @param write takes one line, without a newline at its end */
export function createWorkerLog(
  level: LogLevel,
  write: (line: string) => void = (line) => console.log(line),
): Log {
  const from = logLevels.indexOf(level)
  const isWritten = (one: Level): boolean => logLevels.indexOf(one) >= from
  const at = (one: Level) => {
    if (!isWritten(one)) return () => undefined
    return (fields: object, msg: string): void =>
      write(redact(`${lineOf({ level: one, time: Date.now(), ...fields, msg })}\n`).trimEnd())
  }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    isLevelEnabled: isWritten,
  }
}

function lineOf(fields: object): string {
  return JSON.stringify(fields, (_field, value: unknown) =>
    value instanceof Error ? described(value) : value,
  )
}

/** What `JSON` would leave out of an error: what it says, and why it came to be. */
function described({ name, message, stack, cause }: Error): object {
  return { type: name, message, stack, ...(cause === undefined ? {} : { cause }) }
}
