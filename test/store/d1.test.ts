/** The D1 keeper on real D1 in workerd: the contract of every keeper, and what is D1's own. */
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { createD1Store } from '../../src/store/d1/store.ts'
import { describeUploadStore } from '../contracts/upload-store.ts'
import { type D1Server, startD1 } from '../kit/d1.ts'

let server: D1Server
beforeAll(async () => {
  server = await startD1()
})
afterAll(() => server.stop())

describeUploadStore('D1', async () => {
  const { database, open, drop } = await server.create()
  let store = await createD1Store(database)
  onTestFinished(drop)
  return {
    store,
    async reopen() {
      await store.close()
      store = await createD1Store(await open())
      return store
    },
  }
})
