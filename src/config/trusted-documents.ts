/** Reads the file of trusted documents, and checks each document against the schema. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { GraphQLError, NoSchemaIntrospectionCustomRule, specifiedRules, validate } from 'graphql'
import { schema } from '../graphql/schema.ts'
import { operationLimitRules, parseDocument } from '../http/graphql/plugins/document-limits.ts'
import type { TrustedDocument } from '../http/graphql/plugins/trusted-documents.ts'
import { errorCodeOf } from '../shared/error-codes.ts'
import { isRecord } from '../shared/json.ts'
import type { BaseConfig, EnvironmentReader } from './base-config.ts'

const NAME = 'TRUSTED_DOCUMENTS'
/** Ids of GraphQL over HTTP, hashes in hex or base64. Others could inject log lines. */
const ID = /^[\w.~:+/=-]{1,256}$/
const SHAPE =
  'must be a JSON object of hashes or ids to texts, as GraphQL Code Generator (`persistedDocuments`) and Relay (`persistConfig`) write it'

/**
 * Returns the documents of the file; null if the variable is not set or the file is invalid. Reports each invalid
 * document by its hash or id.
 */
export function readTrustedDocuments(
  variables: EnvironmentReader,
  { introspection, federation }: Pick<BaseConfig, 'introspection' | 'federation'>,
): readonly TrustedDocument[] | null {
  const path = variables.text(NAME)
  if (path === null) return null
  if (federation) {
    variables.addError(
      NAME,
      'cannot be combined with FEDERATION=true: a router writes its own operations, which no file lists. Set trusted documents at the router, and unset one of the two.',
    )
  }
  const documents = readFile(variables, path)
  for (const { id, text } of documents ?? []) {
    const error = errorOf(text, introspection)
    if (error === null) continue
    variables.addError(
      NAME,
      `contains the document ${id}, which the gateway could not execute: ${error} Generate the file with the schema of this gateway.`,
    )
  }
  return documents?.map(({ id, text }) => ({ ids: [id, sha256(text)], text })) ?? null
}

interface Entry {
  readonly id: string
  readonly text: string
}

function readFile(variables: EnvironmentReader, path: string): readonly Entry[] | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    return variables.addError(
      NAME,
      `must be the path of a readable file (${errorCodeOf(error) ?? 'not readable'}).`,
    )
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return variables.addError(NAME, `${SHAPE}: the file is not JSON.`)
  }
  if (!isRecord(json)) return variables.addError(NAME, `${SHAPE}: the file contains no object.`)
  const entries = Object.entries(json)
  if (entries.length === 0) return variables.addError(NAME, `${SHAPE}: the object is empty.`)
  return entries.flatMap(([id, document], index) => {
    if (typeof document === 'string' && ID.test(id)) return [{ id, text: document }]
    variables.addError(
      NAME,
      ID.test(id)
        ? `${SHAPE}: the value of ${id} is not text.`
        : `${SHAPE}: the key of entry ${index + 1} is not an id of at most 256 letters, digits and -._~:+/=.`,
    )
    return []
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

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
