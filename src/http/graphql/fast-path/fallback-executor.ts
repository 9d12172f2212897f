/** graphql-js itself, with all of Yoga's plugins around it: for what is not the regular case. */
import { type DocumentNode, type GraphQLSchema, execute } from 'graphql'
import { processRegularResult } from 'graphql-yoga'
import type { GraphQLContext } from '../../../graphql/context.ts'
import type { Log } from '../../../uploads/dependencies.ts'
import type { Viewer } from '../../../uploads/viewer.ts'
import type { CrowdLimit } from '../plugins/concurrency-limit.ts'
import { maskResult } from '../../error-mask.ts'
import type { Enveloped } from '../../enveloped.ts'
import type { KnownDocuments } from '../../known-documents.ts'
import type { Yoga } from '../yoga.ts'
import type { Asked } from './graphql-params.ts'
import type { Told } from './subscriptions/subscriber.ts'
import { type Done, giveAgain, replaying } from './mutation-replay.ts'
import type { Plan } from './operation-cache.ts'

/** An answer as Yoga would give it. */
export interface FullAnswer {
  readonly status: number
  readonly text: string
}

/** What an operation is carried out with; see `Given` of compile-operation.ts. */
interface Given {
  /** With the id of the request, where there is one: errors that are masked are found by it. */
  readonly context: GraphQLContext & { readonly requestId?: string }
  readonly variables: Asked['variables']
  readonly root?: unknown
  /** Of a mutation: what is not to be done again. */
  readonly done?: Done
}

export interface LongWay {
  readonly schema: GraphQLSchema
  /** The document that this text was parsed to and carried out as; null where it was not, lately. */
  documentOf(query: string): DocumentNode | null
  /** Carries the operation out, but for what is `done`. */
  answer(plan: Plan, viewer: Viewer, given: Given, mediaType: string): Promise<FullAnswer>
  /** The result for one event of a subscription. */
  tell(plan: Plan, given: Given): Promise<Told>
}

/** What it shares with Yoga. */
export interface LongWayOptions {
  readonly documents: KnownDocuments
  readonly crowd: Pick<CrowdLimit, 'exempt'>
  readonly log: Log
}

export function createLongWay(
  yoga: Yoga,
  schema: GraphQLSchema,
  { documents, crowd, log }: LongWayOptions,
): LongWay {
  const replay = replaying(schema)

  return {
    schema,
    documentOf: (query) => documents.carriedOut(query),
    async answer(plan, viewer, { context, variables, root, done }, mediaType) {
      // It holds its place until it is answered.
      crowd.exempt(context)
      const enveloped: Enveloped = yoga.getEnveloped({ viewer })
      if (done !== undefined) giveAgain(context, done)
      const result = await enveloped.execute({
        schema: done === undefined ? schema : replay,
        document: plan.document,
        operationName: plan.operationName,
        variableValues: variables,
        contextValue: context,
        rootValue: root,
      })
      const response = processRegularResult(result, yoga.fetchAPI, mediaType.replace(/;.*/, ''))
      return { status: response.status, text: await response.text() }
    },
    async tell(plan, { context, variables, root }) {
      // Yoga's own would subscribe once more.
      const result = await execute({
        schema,
        document: plan.document,
        operationName: plan.operationName,
        variableValues: variables,
        contextValue: context,
        rootValue: root,
      })
      const hasErrors = result.errors !== undefined
      return { text: JSON.stringify(maskResult(log, result)), hasErrors }
    },
  }
}
