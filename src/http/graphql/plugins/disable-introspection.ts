/** What a gateway does that is not to tell what its schema looks like. */
import {
  type ExecutionResult,
  GraphQLError,
  NoSchemaIntrospectionCustomRule,
  validate,
} from 'graphql'
import { changeResults } from '../../change-results.ts'
import type { GatewayPlugin } from './plugin.ts'

/** No introspection, and no "Did you mean …?", by which a schema can be guessed name by name. */
export const useHiddenSchema: GatewayPlugin = {
  onValidate({ addValidationRule, setValidationFn }) {
    addValidationRule(NoSchemaIntrospectionCustomRule)
    setValidationFn(validateInSilence)
  },
  // Variables are read when an operation is executed: their names can be guessed at, too.
  ...changeResults(withoutSuggestions),
}

const validateInSilence: typeof validate = (schema, document, rules, options) =>
  validate(schema, document, rules, { ...options, hideSuggestions: true })

function withoutSuggestions(result: ExecutionResult): ExecutionResult {
  if (result.errors === undefined) return result
  return { ...result, errors: result.errors.map(withoutSuggestion) }
}

function withoutSuggestion(error: GraphQLError): GraphQLError {
  const [message = ''] = error.message.split(' Did you mean ')
  if (message === error.message) return error
  const { nodes = null, source, positions, path, extensions } = error
  return new GraphQLError(message, { nodes, source, positions, path, extensions })
}
