/** The account's RSA keys that sign playback tokens, in SQLite. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  randomBytes,
  type KeyObject,
} from 'node:crypto'
import { promisify } from 'node:util'

import type { EmulatorDatabase } from './database.ts'

const RSA_BITS = 2048

/** A key as it is listed. `created` is milliseconds since 1970. */
export interface SigningKey {
  /** 32 hex digits; the `kid` of tokens. */
  readonly id: string
  readonly created: number
}

/** A key that can sign. */
export interface PrivateKey extends SigningKey {
  readonly privateKey: KeyObject
}

interface KeyRow {
  readonly id: string
  readonly public_pem: string
  /** Null for the keys of `create`. */
  readonly private_pem: string | null
  readonly created: number
}

/**
 * Keys that clients create are stored without the private part, which only the client has. One more key is the
 * emulator's own: it signs tokens for clients without a key, and is not listed.
 */
export class SigningKeys {
  readonly #statements
  #creatingOwn: Promise<PrivateKey> | null = null

  constructor(database: EmulatorDatabase) {
    this.#statements = prepareStatements(database)
  }

  /** Creates a key. Returns null if the account has `limit` keys. */
  async create(now: number, limit: number): Promise<PrivateKey | null> {
    if (this.#statements.count() >= limit) return null
    const { row, key } = await generate(now)
    return this.#statements.insert({ ...row, private_pem: null }, limit) ? key : null
  }

  /** Returns the keys that clients created, oldest first. */
  list(): SigningKey[] {
    return this.#statements.list()
  }

  /** Returns false if clients created no such key. */
  remove(id: string): boolean {
    return this.#statements.remove(id)
  }

  /** Removes all keys, including the emulator's own. */
  removeAll(): void {
    this.#statements.removeAll()
  }

  has(id: string): boolean {
    return this.#statements.find(id) !== undefined
  }

  /** Returns the public key; null if no such key exists. */
  findPublicKey(id: string): KeyObject | null {
    const row = this.#statements.find(id)
    return row === undefined ? null : createPublicKey(row.public_pem)
  }

  /** Returns the emulator's own key, and creates it at the first call. */
  async own(now: number): Promise<PrivateKey> {
    const row = this.#statements.findOwn()
    if (row !== undefined && row.private_pem !== null) {
      return {
        id: row.id,
        created: row.created,
        privateKey: createPrivateKey(row.private_pem),
      }
    }
    this.#creatingOwn ??= this.#createOwn(now).finally(() => {
      this.#creatingOwn = null
    })
    return this.#creatingOwn
  }

  async #createOwn(now: number): Promise<PrivateKey> {
    const { row, key } = await generate(now)
    this.#statements.insert(row, Number.MAX_SAFE_INTEGER)
    return key
  }
}

async function generate(now: number): Promise<{ row: KeyRow; key: PrivateKey }> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: RSA_BITS,
  })
  const id = randomBytes(16).toString('hex')
  const row = {
    id,
    public_pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    private_pem: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    created: now,
  }
  return { row, key: { id, created: now, privateKey } }
}

function prepareStatements(database: EmulatorDatabase) {
  const find = database.prepare<[string], KeyRow>('SELECT * FROM signing_keys WHERE id = ?')
  const findOwn = database.prepare<[], KeyRow>(
    'SELECT * FROM signing_keys WHERE private_pem IS NOT NULL',
  )
  const list = database.prepare<[], SigningKey>(
    `SELECT id, created FROM signing_keys WHERE private_pem IS NULL
     ORDER BY created, rowid`,
  )
  const count = database.prepare<[], { count: number }>(
    'SELECT count(*) AS count FROM signing_keys WHERE private_pem IS NULL',
  )
  // Guarded, because other keys may have been created while this one was generated.
  const insert = database.prepare<[KeyRow & { limit: number }]>(
    `INSERT INTO signing_keys (id, public_pem, private_pem, created)
     SELECT @id, @public_pem, @private_pem, @created
     WHERE (SELECT count(*) FROM signing_keys WHERE private_pem IS NULL) < @limit`,
  )
  const remove = database.prepare<[string]>(
    'DELETE FROM signing_keys WHERE id = ? AND private_pem IS NULL',
  )
  const removeAll = database.prepare<[]>('DELETE FROM signing_keys')
  return {
    find: (id: string) => find.get(id),
    findOwn: () => findOwn.get(),
    list: () => list.all(),
    count: () => count.get()?.count ?? 0,
    insert: (row: KeyRow, limit: number) => insert.run({ ...row, limit }).changes === 1,
    remove: (id: string) => remove.run(id).changes === 1,
    removeAll: () => removeAll.run().changes,
  }
}
