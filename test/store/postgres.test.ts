/** The PostgreSQL keeper on a real server: the contract of every keeper, and what is PostgreSQL's own. */
import { openPostgres } from '../../src/postgres/postgres.ts'
import { createPostgresStore } from '../../src/store/postgres/store.ts'
import { describeUploadStore } from '../contracts/upload-store.ts'
import { createTestDatabase, describeWithPostgres } from '../kit/postgres.ts'
import { onTestFinished } from 'vitest'

describeWithPostgres('PostgreSQL', () => {
  describeUploadStore('PostgreSQL', async () => {
    const database = await createTestDatabase()
    const open = () =>
      createPostgresStore(openPostgres({ url: database.url, connections: 10 }, () => undefined))
    let store = await open()
    onTestFinished(() => database.drop())
    return {
      store,
      async reopen() {
        await store.close()
        store = await open()
        return store
      },
    }
  })
})
