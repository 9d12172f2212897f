/** Bundles an app with the client by Metro, and runs it on React Native's own JavaScript in Node. */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createContext, runInContext } from 'node:vm'
import { z } from 'zod'
import { writePackage } from '../../src/client-package/write-package.ts'
import type { UploadClient, UploadClientOptions } from '../../src/client/client.ts'
import { readRecipe } from '../browser/kit/recipe.ts'
import { build } from '../kit/command.ts'
import { createNativeModules } from './native-modules.ts'

const PAGE = 'src/client/expo.md'
const folder = fileURLToPath(new URL('.', import.meta.url))
const packages = join(folder, 'node_modules')

/** Whether React Native is not installed. */
export const hasNoReactNative = !existsSync(join(packages, '.package-lock.json'))

/** Suffix for the names of suites that need it. */
export const reactNativeHint = hasNoReactNative
  ? ': React Native is not installed (npm ci --ignore-scripts --prefix test/react-native)'
  : ''

/** What React Native sets up at its start, and the client. */
const APP = `
import 'react-native/Libraries/Core/setUpNavigator'
import 'react-native/Libraries/Core/setUpXHR'
import { createUploadClient, createUploadQueue } from '@headgate/client'
import { uploadPicked } from './upload-picked'
globalThis.createUploadClient = createUploadClient
globalThis.createUploadQueue = createUploadQueue
globalThis.uploadPicked = uploadPicked
`

/** Stands in for expo-file-system, whose native module reads files: the host's `files` does. */
const EXPO_FILE_SYSTEM = `
export class File {
  constructor(uri) { this.uri = uri }
  get size() { return files.size(this.uri) }
  open() {
    const { uri } = this
    return {
      offset: 0,
      close() { this.offset = null },
      async readBytes(length) {
        const text = atob(files.read(uri, this.offset, length))
        return Uint8Array.from(text, (character) => character.charCodeAt(0))
      },
    }
  }
}
`

/** Runs in a process of its own, because Metro keeps workers and file watchers. */
const BUILD = `
import { createRequire } from 'node:module'
const require = createRequire(process.argv[2] + '/')
const Metro = require('metro')
const { getDefaultConfig, mergeConfig } = require('@react-native/metro-config')
const config = mergeConfig(await getDefaultConfig(process.cwd()), {
  resolver: { nodeModulesPaths: [process.argv[2]] },
  watchFolders: [process.cwd(), process.argv[2]],
  reporter: { update() {} },
  cacheStores: [],
  maxWorkers: 1,
})
const options = { entry: 'index.js', dev: false, minify: false, platform: 'ios', out: 'app.js' }
await Metro.runBuild(config, options)
`

export interface App {
  /** Path of the bundle. */
  readonly path: string
  readonly remove: () => Promise<void>
}

/** Bundles the app with the packed client. */
export async function bundleApp(): Promise<App> {
  const project = await mkdtemp(join(tmpdir(), 'headgate-native-'))
  const built = await build()
  await mkdir(join(project, 'node_modules/@headgate'), { recursive: true })
  writePackage(built.folder, join(project, 'node_modules/@headgate/client'))
  await built.remove()
  await writeFile(join(project, 'package.json'), '{ "name": "app", "private": true }\n')
  await writeFile(join(project, 'index.js'), APP)
  await writeFile(join(project, 'upload-picked.ts'), readRecipe(PAGE, 'src/upload-picked.ts'))
  const expo = join(project, 'node_modules/expo-file-system')
  await mkdir(expo)
  await writeFile(join(expo, 'package.json'), '{ "name": "expo-file-system", "main": "index.js" }')
  await writeFile(join(expo, 'index.js'), EXPO_FILE_SYSTEM)
  await writeFile(join(project, 'build.mjs'), BUILD)
  await promisify(execFile)(process.execPath, ['build.mjs', packages], { cwd: project })
  return {
    path: join(project, 'app.js'),
    remove: () => rm(project, { recursive: true, force: true }),
  }
}

/**
 * Compiles the bundle for Hermes, and returns the bytes of the result. Throws if Hermes does not know its syntax or
 * one of its regular expressions.
 */
export async function compileForHermes({ path }: App): Promise<number> {
  const compiler = join(packages, 'hermes-compiler/hermesc/linux64-bin/hermesc')
  await promisify(execFile)(compiler, ['-emit-binary', '-w', '-out', `${path}.hbc`, path])
  return (await stat(`${path}.hbc`)).size
}

/** One start of the app. */
export interface RunningApp {
  readonly createClient: (options: UploadClientOptions) => UploadClient
  /** Evaluates an expression in the app. */
  readonly evaluate: (this: void, code: string) => unknown
}

/** React Native's emitter, itself: a copy would lack its private fields. */
const emitter = z.custom<{
  emit: (event: string, args: readonly unknown[]) => void
}>((value) => typeof value === 'object' && value !== null && 'emit' in value)
const started = z.object({
  createUploadClient: z.custom<RunningApp['createClient']>((value) => typeof value === 'function'),
})

/** Starts the app with the globals that Hermes has: no `fetch`, no `crypto`, no streams, no TextDecoder. */
export async function startApp({ path }: App): Promise<RunningApp> {
  const app: Record<string, unknown> = {
    console,
    setTimeout,
    clearTimeout,
    setInterval,
    clearInterval,
    queueMicrotask,
    TextEncoder,
    atob,
    btoa,
    performance: { now: () => performance.now() },
  }
  app['global'] = app
  const modules = createNativeModules((event, args) => {
    emitter.parse(app['__rctDeviceEventEmitter']).emit(event, args)
  })
  app['__turboModuleProxy'] = (name: string) => modules[name] ?? null
  app['files'] = {
    size: (uri: string) => statSync(fileURLToPath(uri)).size,
    read(uri: string, offset: number, length: number) {
      const bytes = readFileSync(fileURLToPath(uri)).subarray(offset, offset + length)
      return bytes.toString('base64')
    },
  }
  // Modules of the old architecture: none.
  app['nativeModuleProxy'] = {}
  createContext(app)
  runInContext(await readFile(path, 'utf8'), app, { filename: path })
  return {
    createClient: started.parse(app).createUploadClient,
    evaluate(code) {
      const value: unknown = runInContext(code, app)
      return value
    },
  }
}
