/** Reads the duration of a video in Node with mediabunny, an optional package. https://mediabunny.dev */
import { isObject } from '../shape.ts'

/** The used part of mediabunny. */
interface Mediabunny {
  readonly Input: new (options: {
    readonly formats: readonly unknown[]
    readonly source: unknown
  }) => {
    canRead(): Promise<boolean>
    computeDuration(): Promise<number>
    dispose(): void
  }
  readonly BlobSource: new (file: Blob) => object
}

/** Containers by mediabunny's names, without playlists, whose reading would open other addresses. */
const FORMATS = ['MP4', 'QTFF', 'MATROSKA', 'WEBM', 'MPEG_TS']

/** Returns the duration in seconds; null if the package is missing or cannot read the file, or on abort. */
export async function readByMediabunny(file: Blob, signal: AbortSignal): Promise<number | null> {
  const loaded = requireMediabunny()
  if (!isObject(loaded) || !isMediabunny(loaded)) return null
  const formats = FORMATS.map((name) => loaded[name])
  const input = new loaded.Input({ formats, source: new loaded.BlobSource(file) })
  // Ends the read with an error.
  const stop = (): void => input.dispose()
  signal.addEventListener('abort', stop)
  try {
    return (await input.canRead()) ? await input.computeDuration() : null
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
}

function isMediabunny<T extends object>(loaded: T): loaded is T & Mediabunny {
  return ['Input', 'BlobSource'].every((name) => typeof Reflect.get(loaded, name) === 'function')
}

/**
 * Returns the package as the program of Node resolves it, which may throw; undefined on other platforms. An
 * import would make bundlers look for the package, and Metro rejects an import of a variable name.
 */
function requireMediabunny(): unknown {
  const { process } = globalThis
  // https://nodejs.org/api/process.html#processgetbuiltinmoduleid
  const createRequire = process?.getBuiltinModule?.('module').createRequire
  return createRequire?.(process.argv[1] ?? `${process.cwd()}/`)('mediabunny')
}
