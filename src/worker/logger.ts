/** Logger of the Worker: one JSON object per line, written to `console` for Workers Logs. */
import { type LogLevel, logLevels } from '../config/base-config.ts'
import { redactLogLine } from '../shared/redact-log-line.ts'
import type { Logger } from '../shared/logger.ts'

type Level = 'debug' | 'info' | 'warn' | 'error'

/** Omits lines below `level`. @param write receives one line without a trailing newline */
export function createWorkerLogger(
  level: LogLevel,
  write: (line: string) => void = (line) => console.log(line),
): Logger {
  const minIndex = logLevels.indexOf(level)
  const isWritten = (candidate: Level): boolean => logLevels.indexOf(candidate) >= minIndex
  const logAt = (candidate: Level) => {
    if (!isWritten(candidate)) return () => undefined
    return (fields: object, msg: string): void =>
      write(
        redactLogLine(
          `${lineOf({ level: candidate, time: Date.now(), ...fields, msg })}\n`,
        ).trimEnd(),
      )
  }
  return {
    debug: logAt('debug'),
    info: logAt('info'),
    warn: logAt('warn'),
    error: logAt('error'),
    isLevelEnabled: isWritten,
  }
}

function lineOf(fields: object): string {
  return JSON.stringify(fields, (_field, value: unknown) =>
    value instanceof Error ? serializableError(value) : value,
  )
}

/** Makes an error serializable: JSON.stringify would omit its message, stack and cause. */
function serializableError({ name, message, stack, cause }: Error): object {
  return { type: name, message, stack, ...(cause === undefined ? {} : { cause }) }
}
