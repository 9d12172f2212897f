/** Runs the D1 store inside workerd, bundled as Workers are, without Node compatibility. */
import { fileURLToPath } from 'node:url'
import { Miniflare } from 'miniflare'
import { build } from 'vite'
import { expect, onTestFinished, test } from 'vitest'
import { d1Migrations, migrateD1 } from '../kit/d1.ts'
import { BRIDGE, bridgeTo } from '../kit/d1-bridge.ts'
import { CREATED_AT, uploadOf } from '../kit/samples.ts'

/** Bundles the Worker into one module. */
async function bundle(entry: string) {
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    build: { write: false, ssr: entry },
    ssr: { noExternal: true, target: 'webworker' },
  })
  const [chunk, ...others] = 'output' in built ? built.output : []
  if (chunk?.type !== 'chunk' || others.length > 0)
    throw new Error('The bundle has more than one module.')
  return chunk
}

test('opens, mints and lists in a Worker, and bundles no module of Node', async () => {
  const { code, imports, moduleIds } = await bundle(
    fileURLToPath(new URL('../kit/store-worker.ts', import.meta.url)),
  )
  expect(imports).toEqual([])
  expect(moduleIds.filter((id) => /better-sqlite3|node:|\/pg\//.test(id))).toEqual([])

  const options = { modules: true, compatibilityDate: '2026-03-01', d1Databases: { DB: 'uploads' } }
  const miniflare = new Miniflare({
    workers: [
      { ...options, name: 'store', script: code },
      { ...options, name: 'database', script: BRIDGE, routes: ['database.test/*'] },
    ],
  })
  onTestFinished(() => miniflare.dispose())
  const database = bridgeTo('DB', (body) =>
    miniflare.dispatchFetch('http://database.test/', { method: 'POST', body }),
  )
  await migrateD1(database, d1Migrations())

  const getJson = async (path: string): Promise<unknown> =>
    (await miniflare.dispatchFetch(`http://localhost/${path}`)).json()
  const upload: unknown = JSON.parse(
    JSON.stringify({
      ...uploadOf({ id: 'one', uid: 'uid-of-one', uploadURL: 'https://upload.example.com/x' }),
      protocol: 'TUS',
      meta: { from: 'workerd' },
      expiresAt: CREATED_AT,
      progress: { totalBytes: 30_000_000_000, receivedBytes: null, encodingPercent: null },
    }),
  )
  expect(await getJson('one')).toEqual({ kind: 'reserved', upload, list: [upload] })
  // The key is in use by `one`.
  expect(await getJson('two')).toEqual({ kind: 'key-in-use', upload: null, list: [upload] })
})
