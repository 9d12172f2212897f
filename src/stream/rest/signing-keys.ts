/**
 * Signing keys of the account, for playback tokens that are signed without a request. Used by commands only.
 * https://developers.cloudflare.com/stream/viewing-videos/securing-your-stream/
 */
import { fieldsOf, readText, readTimestamp } from '../json-fields.ts'
import { invalidResponseError } from './response-error.ts'
import { type AccountOptions, createRestClient, readClientOptions } from './rest-client.ts'

export interface SigningKey {
  readonly id: string
  readonly createdAt: Date | null
}

/** The private key, which Stream returns only once. */
export interface CreatedSigningKey {
  readonly id: string
  /** JSON Web Key as base64, as Stream returns it. */
  readonly jwk: string
}

/** All functions throw StreamError. */
export interface SigningKeys {
  create(): Promise<CreatedSigningKey>
  /** Oldest first. */
  list(): Promise<readonly SigningKey[]>
  /** Returns false if there is no such key. */
  delete(id: string): Promise<boolean>
}

/** @throws RangeError for an invalid account id, token or base URL */
export function createSigningKeys(options: AccountOptions): SigningKeys {
  const { request, requestOrNotFound } = createRestClient(readClientOptions(options))
  return {
    async create() {
      const purpose = 'create a signing key'
      const reply = await request({ purpose, method: 'POST', path: '/keys', changes: true })
      const { id, jwk } = fieldsOf(reply.envelope.result)
      const created = { id: readText(id), jwk: readText(jwk) }
      if (created.id === null || created.jwk === null)
        throw invalidResponseError(reply.request, reply.response, 'had no id and key')
      return { id: created.id, jwk: created.jwk }
    },

    async list() {
      const purpose = 'list the signing keys'
      const reply = await request({ purpose, method: 'GET', path: '/keys', changes: false })
      const { result } = reply.envelope
      if (!Array.isArray(result))
        throw invalidResponseError(reply.request, reply.response, 'was not a list of keys')
      return result
        .flatMap((entry: unknown) => {
          const { id, created } = fieldsOf(entry)
          const text = readText(id)
          return text === null ? [] : [{ id: text, createdAt: readTimestamp(created) }]
        })
        .toSorted((a, b) => Number(a.createdAt) - Number(b.createdAt))
    },

    async delete(id) {
      const path = `/keys/${encodeURIComponent(id)}`
      const purpose = 'delete a signing key'
      return (await requestOrNotFound({ purpose, method: 'DELETE', path, changes: true })) !== null
    },
  }
}
