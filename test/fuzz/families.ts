/** All families of hostile inputs, with their relative frequency. */
import type * as fc from 'fast-check'
import { oddPaths, queryStrings } from './url-inputs.ts'
import {
  allowedDocuments,
  brokenDocuments,
  documentBombs,
  oddBodies,
  oddVariables,
  wronglyTypedDocuments,
} from './graphql-inputs.ts'
import type { Input } from './input.ts'
import { forgedWebhooks, signedWebhooks } from './webhook-inputs.ts'
import { cutRequests, malformedBytes, pipelinedRequests, unreadRequests } from './raw-inputs.ts'
import type { Fixtures } from './fixtures.ts'
import { fastPathMessages, socketMessages } from './websocket-inputs.ts'
import { droppedSubscriptions, oddRequests } from './transport-inputs.ts'
import { tusCreations } from './tus-inputs.ts'

export interface Family {
  readonly name: string
  /** Inputs of this family per thousand. */
  readonly share: number
  readonly inputs: (fixtures: Fixtures) => fc.Arbitrary<Input>
}

export const families: readonly Family[] = [
  { name: 'documents, allowed', share: 100, inputs: allowedDocuments },
  { name: 'documents, wrong types', share: 100, inputs: wronglyTypedDocuments },
  { name: 'documents, broken', share: 100, inputs: brokenDocuments },
  { name: 'documents, bombs', share: 40, inputs: documentBombs },
  { name: 'variables', share: 110, inputs: oddVariables },
  { name: 'bodies', share: 70, inputs: oddBodies },
  { name: 'query strings', share: 40, inputs: queryStrings },
  { name: 'methods, types, headers', share: 70, inputs: oddRequests },
  { name: 'paths', share: 30, inputs: oddPaths },
  { name: 'subscriptions, dropped', share: 20, inputs: droppedSubscriptions },
  { name: 'WebSocket messages', share: 40, inputs: socketMessages },
  { name: 'WebSocket messages, fast path', share: 40, inputs: fastPathMessages },
  { name: 'tus creations', share: 100, inputs: tusCreations },
  { name: 'webhooks, forged', share: 50, inputs: forgedWebhooks },
  { name: 'webhooks, signed', share: 40, inputs: signedWebhooks },
  { name: 'raw bytes', share: 20, inputs: malformedBytes },
  { name: 'requests, cut', share: 10, inputs: cutRequests },
  { name: 'requests, pipelined', share: 10, inputs: pipelinedRequests },
  { name: 'requests, unread', share: 10, inputs: unreadRequests },
]
