/** Parses the messages of a WebSocket. */
import { type Message, MessageType, validateMessage } from 'graphql-ws'
import { isRecord } from '../../../shared/json.ts'
import { documentIdOf } from '../plugins/persisted-queries.ts'

/**
 * Parses a message; throws if it is invalid. Accepts the id of a document without `query`, which the protocol
 * requires, and sets `query` to the empty text.
 */
export function parseClientMessage(text: string): Message {
  const message: unknown = JSON.parse(text)
  if (!isRecord(message) || message['type'] !== MessageType.Subscribe) {
    return validateMessage(message)
  }
  const { payload } = message
  if (!isRecord(payload) || documentIdOf(payload) === null) return validateMessage(message)
  return validateMessage({ ...message, payload: { ...payload, query: '' } })
}
