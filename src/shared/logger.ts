/** Structured logger (fields, message). Callers must not log tokens, upload URLs or response bodies. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** Whether messages of this level are written; if omitted, they are. */
  isLevelEnabled?(level: 'debug'): boolean
}
