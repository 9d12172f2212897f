/** Parses a file of trusted documents, and checks each document against the schema. */
import { GraphQLError, NoSchemaIntrospectionCustomRule, specifiedRules, validate } from 'graphql'
import { schema } from '../graphql/schema.ts'
import { operationLimitRules, parseDocument } from '../http/graphql/plugins/document-limits.ts'
import { isRecord } from '../shared/json.ts'
import type { BaseConfig, EnvironmentReader } from './base-config.ts'

export const TRUSTED_DOCUMENTS = 'TRUSTED_DOCUMENTS'
/** Ids of GraphQL over HTTP, hashes in hex or base64. Others could inject log lines. */
const ID = /^[\w.~:+/=-]{1,256}$/
const SHAPE =
  'must be a JSON object of hashes or ids to texts, as GraphQL Code Generator (`persistedDocuments`) and Relay (`persistConfig`) write it'

/** A document of the file. Clients name it by its id, or by the SHA-256 of its text. */
export interface ListedDocument {
  readonly id: string
  readonly text: string
}

/** Returns the path of the file; null if the variable is not set. */
export function readDocumentsPath(
  variables: EnvironmentReader,
  { federation }: Pick<BaseConfig, 'federation'>,
): string | null {
  const path = variables.text(TRUSTED_DOCUMENTS)
  if (path !== null && federation) {
    variables.addError(
      TRUSTED_DOCUMENTS,
      'cannot be combined with FEDERATION=true: a router writes its own operations, which no file lists. Set trusted documents at the router, and unset one of the two.',
    )
  }
  return path
}

/**
 * Returns the documents of the file; none if it is invalid.
 * @param addError called for each error with the end of a sentence; invalid documents are named by their hash or id
 */
export function parseTrustedDocuments(
  file: string,
  { introspection }: Pick<BaseConfig, 'introspection'>,
  addError: (message: string) => void,
): readonly ListedDocument[] {
  const documents = parseFile(file, addError)
  for (const { id, text } of documents) {
    const error = errorOf(text, introspection)
    if (error === null) continue
    addError(
      `contains the document ${id}, which the gateway could not execute: ${error} Generate the file with the schema of this gateway.`,
    )
  }
  return documents
}

function parseFile(file: string, addError: (message: string) => void): readonly ListedDocument[] {
  const reject = (reason: string): readonly ListedDocument[] => {
    addError(`${SHAPE}: ${reason}`)
    return []
  }
  let json: unknown
  try {
    json = JSON.parse(file)
  } catch {
    return reject('the file is not JSON.')
  }
  if (!isRecord(json)) return reject('the file contains no object.')
  const entries = Object.entries(json)
  if (entries.length === 0) return reject('the object is empty.')
  return entries.flatMap(([id, text], index) => {
    if (typeof text === 'string' && ID.test(id)) return [{ id, text }]
    return reject(
      ID.test(id)
        ? `the value of ${id} is not text.`
        : `the key of entry ${index + 1} is not an id of at most 256 letters, digits and -._~:+/=.`,
    )
  })
}

/** Returns why the document cannot be executed, as a sentence; null if it can. */
function errorOf(text: string, introspection: boolean): string | null {
  const rules = [...specifiedRules, ...operationLimitRules]
  if (!introspection) rules.push(NoSchemaIntrospectionCustomRule)
  try {
    const [error] = validate(schema, parseDocument(text), rules)
    return error === undefined ? null : sentence(error.message)
  } catch (error) {
    if (error instanceof GraphQLError) return sentence(error.message)
    throw error
  }
}

function sentence(message: string): string {
  return /[.?!]$/.test(message) ? message : `${message}.`
}
