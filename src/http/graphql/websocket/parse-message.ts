/** Parses the messages of a WebSocket. */
import { type Message, MessageType, validateMessage } from 'graphql-ws'
import { isRecord } from '../../../shared/json.ts'
import { isPersistedQuery } from '../plugins/persisted-queries.ts'

/**
 * Parses a message; throws if it is invalid. Accepts a persisted query without `query`, which the protocol
 * requires, and sets it to the empty text: the client needs the error that makes it send the text.
 */
export function parseClientMessage(text: string): Message {
  const message: unknown = JSON.parse(text)
  if (!isRecord(message) || message['type'] !== MessageType.Subscribe) {
    return validateMessage(message)
  }
  const { payload } = message
  if (!isRecord(payload) || !isPersistedQuery(payload)) return validateMessage(message)
  return validateMessage({ ...message, payload: { ...payload, query: '' } })
}
