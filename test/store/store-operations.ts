/** Any sequence of writes through the port, for what must hold after each of them. */
import * as fc from 'fast-check'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { uploadProtocols, uploadStatuses } from '../../src/uploads/upload.ts'
import { changeOf, uidOf, uploadURLOf } from '../contracts/store-suite.ts'
import { after, reservationOf, uploadOf } from '../kit/samples.ts'

export const creators = ['alice', 'bob', 'carol'] as const

/** A write of the port. Few names, so that operations meet. */
export interface Operation {
  readonly what: string
  readonly perform: (store: UploadStore) => Promise<unknown>
}

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const second = fc.integer({ min: 0, max: 9 })
const held = fc.integer({ min: 0, max: 500 })

const reserve = fc
  .record({
    id,
    creator: fc.constantFrom(...creators),
    protocol: fc.constantFrom(...uploadProtocols),
    seconds: fc.integer({ min: 1, max: 400 }),
    key: fc.constantFrom(null, null, 'one', 'two'),
    quota: fc.constantFrom(null, 600),
    second,
  })
  .map(({ seconds, key, quota, second: at, ...said }) => {
    const { constraints } = reservationOf()
    const reservation = reservationOf({
      ...said,
      constraints: { ...constraints, maxDurationSeconds: seconds },
      idempotencyKey: key,
      requestedBy: said.creator,
      createdAt: after(at),
    })
    const rules = { creatorQuotaSeconds: quota, forgetKeysBefore: after(3) }
    return {
      what: `reserve ${JSON.stringify(said)}`,
      perform: (store: UploadStore) => store.reserve(reservation, rules),
    }
  })

const mint = fc.tuple(id, second).map(([one, at]) => ({
  what: `mint ${one}`,
  perform: (store: UploadStore) =>
    store.mint(one, { uid: uidOf(one), uploadURL: uploadURLOf(one) }, after(at), after(15)),
}))

const advance = fc
  .record({
    id,
    version: fc.integer({ min: 1, max: 4 }),
    status: fc.constantFrom(...uploadStatuses),
    holds: fc.record({ reservedSeconds: held, storedSeconds: held }),
    isTold: fc.boolean(),
  })
  .map(({ id: one, version, status, holds, isTold }) => {
    const upload = uploadOf({ id: one, uid: uidOf(one), version })
    const event = isTold ? ({ status, source: 'SYNC', at: after(5) } as const) : null
    return {
      what: `advance ${one} from ${version} to ${status}`,
      perform: (store: UploadStore) =>
        store.saveVersion(changeOf(upload, { status }, { event, holds, pollAt: after(20) })),
    }
  })

const giveUp = fc.tuple(fc.constantFrom('release', 'retire'), id).map(([way, one]) => ({
  what: `${way} ${one}`,
  perform: (store: UploadStore) => (way === 'release' ? store.release(one) : store.retire(one)),
}))

const drop = second.map((at) => ({
  what: `drop those retired before ${at}`,
  perform: (store: UploadStore) => store.deleteRetiredBefore(after(at)),
}))

/** Sequences long enough for whole lives; reserving and minting are the most frequent. */
export const operations: fc.Arbitrary<readonly Operation[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: reserve },
    { weight: 4, arbitrary: mint },
    { weight: 4, arbitrary: advance },
    { weight: 1, arbitrary: giveUp },
    { weight: 1, arbitrary: drop },
  ),
  { maxLength: 40 },
)
