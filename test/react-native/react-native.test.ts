/**
 * The client on React Native's own fetch, XMLHttpRequest, FormData, Blob and AbortController, bundled by Metro. Their
 * native half is test/react-native/native-modules.ts, and the JavaScript engine is Node's.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { NativeFile, UploadOptions, UploadProgress } from '../../src/client/client.ts'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { paddedTestcard } from '../kit/media.ts'
import {
  type App,
  bundleApp,
  compileForHermes,
  hasNoReactNative,
  reactNativeHint,
  startApp,
} from './app.ts'

const SIZE_BYTES = 6_000_000
const CHUNK_BYTES = 5_242_880
const bytes = new Uint8Array(await paddedTestcard(SIZE_BYTES).arrayBuffer())

const TUS: UploadOptions = { protocol: 'TUS', chunkSizeBytes: CHUNK_BYTES }
const BASIC: UploadOptions = { protocol: 'BASIC' }

let app: App
beforeAll(async () => {
  if (!hasNoReactNative) app = await bundleApp()
}, 240_000)
afterAll(() => app?.remove())

async function start() {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-native-file-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'picked.mp4'), bytes)
  const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
  const running = await startApp(app)
  const token = await tokenFor('ada')
  const client = running.createClient({
    url: `${gateway.url}/graphql`,
    token,
    clock: gateway.clock,
  })
  const picked: NativeFile = {
    uri: pathToFileURL(join(folder, 'picked.mp4')).href,
    name: 'picked.mp4',
    type: 'video/mp4',
    size: SIZE_BYTES,
  }
  // As an app creates them: by its own classes.
  const copy = running.evaluate('(bytes) => new Uint8Array(bytes)')
  const readBlob = running.evaluate('(uri) => fetch(uri).then((response) => response.blob())')
  if (typeof copy !== 'function' || typeof readBlob !== 'function') throw new Error('no function')
  return {
    gateway,
    client,
    picked,
    evaluate: running.evaluate,
    read: (from: number, to: number): Uint8Array => {
      const part: unknown = Reflect.apply(copy, null, [bytes.subarray(from, to)])
      return isBytes(part) ? part : new Uint8Array()
    },
    blob: async (): Promise<Blob> => {
      const blob: unknown = await Reflect.apply(readBlob, null, [picked.uri])
      if (!isBlob(blob)) throw new Error('no Blob')
      return blob
    },
  }
}

/** Of the app's realm, whose classes are other ones. */
function isBytes(value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === '[object Uint8Array]'
}

function isBlob(value: unknown): value is Blob {
  return typeof value === 'object' && value !== null && 'slice' in value && !('stream' in value)
}

describe.skipIf(hasNoReactNative)(
  `an app of React Native${reactNativeHint}`,
  { timeout: 60_000 },
  () => {
    it('has syntax and regular expressions that Hermes compiles', async () => {
      expect(await compileForHermes(app)).toBeGreaterThan(0)
    })

    it.each([
      ['BASIC', BASIC],
      ['TUS', TUS],
    ])('uploads a picked file by %s', async (protocol, options) => {
      const { gateway, client, picked } = await start()
      const reported: UploadProgress[] = []
      const ready = await client.upload(picked, {
        ...options,
        onProgress: (progress) => reported.push(progress),
      })
      expect({ ...ready }).toMatchObject({ status: 'READY', name: 'picked.mp4', protocol })
      expect(ready.video.sizeBytes).toBe(SIZE_BYTES)
      const sent = reported.map(({ sentBytes }) => sentBytes)
      expect(new Set(sent).size).toBeGreaterThan(20)
      expect(sent).toEqual(sent.toSorted((a, b) => a - b))
      const { requests } = await gateway.emulator.state()
      expect(Number(requests['tus_patch']) + Number(requests['upload'])).toBe(
        protocol === 'TUS' ? 2 : 1,
      )
    })

    it.each([
      ['BASIC', BASIC],
      ['TUS', TUS],
    ])('uploads bytes, a Blob, and a file with `read` by %s', async (_protocol, options) => {
      const { client, picked, read, blob } = await start()
      const sources = [read(0, SIZE_BYTES), await blob(), { ...picked, read }]
      for (const source of sources) {
        const { video } = await client.upload(source, options)
        expect(video.sizeBytes).toBe(SIZE_BYTES)
      }
    })

    it('resumes a picked file after a broken connection, and after a pause', async () => {
      const { gateway, client, picked } = await start()
      await gateway.emulator.fault({ on: 'tus_patch', hangUp: true })
      const uids = new Set<string>()
      const pausing = new AbortController()
      const paused = client.upload(picked, {
        ...TUS,
        signal: pausing.signal,
        onProgress: ({ sentBytes, upload }) => {
          if (upload !== null) uids.add(upload.uid)
          if (sentBytes >= CHUNK_BYTES) pausing.abort(new Error('paused'))
        },
      })
      await expect(paused).rejects.toThrow('paused')
      expect(await client.resumable()).toHaveLength(1)
      const { uid } = await client.upload(picked, TUS)
      expect([...uids]).toEqual([uid])
      expect((await gateway.emulator.state()).requests['tus_create']).toBe(1)
    })

    it('uploads by the code of the page', async () => {
      const { gateway, client, picked, evaluate } = await start()
      const uploadPicked = evaluate('uploadPicked')
      if (typeof uploadPicked !== 'function') throw new Error('no function')
      const asset = { uri: picked.uri, name: 'picked.mp4', mimeType: 'video/mp4' }
      for (const options of [TUS, BASIC]) {
        const ready: unknown = await Reflect.apply(uploadPicked, null, [client, asset, options])
        expect(ready).toMatchObject({ status: 'READY', name: 'picked.mp4' })
      }
      const { requests } = await gateway.emulator.state()
      expect(requests).toMatchObject({ tus_patch: 2, upload: 1 })
    })

    it('reports a picked file that is gone', async () => {
      const { client, picked } = await start()
      const upload = client.upload({ ...picked, uri: `${picked.uri}.gone` }, TUS)
      await expect(upload).rejects.toMatchObject({ code: 'SOURCE_FAILED', reason: 'UNREADABLE' })
    })
  },
)
