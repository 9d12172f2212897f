/** Yoga plugin that hides the schema: disables introspection and name suggestions. */
import {
  type ExecutionResult,
  GraphQLError,
  NoSchemaIntrospectionCustomRule,
  validate,
} from 'graphql'
import { mapExecutionResults, type GatewayPlugin } from './plugin.ts'

/** Rejects introspection and removes "Did you mean …?", which reveals the schema name by name. */
export const disableIntrospectionPlugin: GatewayPlugin = {
  onValidate({ addValidationRule, setValidationFn }) {
    addValidationRule(NoSchemaIntrospectionCustomRule)
    setValidationFn(validateWithoutSuggestions)
  },
  // Variables are coerced during execution, whose errors contain suggestions, too.
  ...mapExecutionResults(withoutSuggestions),
}

const validateWithoutSuggestions: typeof validate = (schema, document, rules, options) =>
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
