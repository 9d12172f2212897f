/** The PostgreSQL keeper on a real server: the contract of every keeper, and what is PostgreSQL's own. */
import { openPostgres } from '../../src/postgres/postgres.ts'
import { createPostgresStore } from '../../src/store/postgres/store.ts'
import { numbered } from '../contracts/store-suite.ts'
import { describeUploadStore } from '../contracts/upload-store.ts'
import { createTestDatabase, describeWithPostgres } from '../kit/postgres.ts'
import { after } from '../kit/samples.ts'
import { expect, onTestFinished, test } from 'vitest'

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

describeWithPostgres('Gateways on one PostgreSQL', () => {
  test('one asks Stream about what all of them watch, and another when it is gone', async () => {
    const database = await createTestDatabase()
    const open = () =>
      createPostgresStore(openPostgres({ url: database.url, connections: 2 }, () => undefined))
    const [one, other] = [await open(), await open()]
    onTestFinished(async () => {
      await Promise.all([one.close(), other.close()])
      await database.drop()
    })
    // Whoever comes first has the turn, however little it watches.
    expect(await one.noteWatched([], after(0), after(5), true)).toEqual([])
    expect(await other.noteWatched(['a', 'c'], after(1), after(6), true)).toBeNull()
    expect(await one.noteWatched(['b', 'c'], after(1), after(6), true)).toEqual(['a', 'b', 'c'])
    expect(await other.noteWatched(['a'], after(5.999), after(11), true)).toBeNull()
    // One is heard of no more: neither its turn nor what it watched counts.
    expect(await other.noteWatched(['a'], after(6), after(11), true)).toEqual(['a'])
    // One that finds Stream silent still says what is watched there.
    expect(await one.noteWatched(['b'], after(7), after(12), false)).toBeNull()
    expect(await other.noteWatched(['a'], after(8), after(13), true)).toEqual(['a', 'b'])
  })

  test('the turn is had by one, however many ask for it at the same time', async () => {
    const database = await createTestDatabase()
    const open = () =>
      createPostgresStore(openPostgres({ url: database.url, connections: 2 }, () => undefined))
    const stores = await Promise.all(Array.from({ length: 5 }, open))
    onTestFinished(async () => {
      await Promise.all(stores.map((store) => store.close()))
      await database.drop()
    })
    for (let second = 0; second < 20; second += 10) {
      const uids = numbered(50)
      const noted = await Promise.all(
        stores.map((store, place) =>
          store.noteWatched(
            place % 2 === 0 ? uids : uids.toReversed(),
            after(second),
            after(second + 10),
            true,
          ),
        ),
      )
      expect(noted.filter((one) => one !== null)).toEqual([uids.toSorted()])
    }
  })
})
