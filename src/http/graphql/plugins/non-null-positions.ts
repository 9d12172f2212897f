/** Finds nullable variables that a document uses where null is not allowed. */
import {
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  TypeInfo,
  Kind,
  isNonNullType,
  visit,
  visitWithTypeInfo,
} from 'graphql'

/**
 * Returns the names of the operation's nullable variables in non-null positions. Validation allows them if the
 * variable or the position has a default value, but the client may still send null.
 * https://spec.graphql.org/October2021/#sec-All-Variable-Usages-are-Allowed
 */
export function variablesInNonNullPositions(
  schema: GraphQLSchema,
  document: DocumentNode,
  { variableDefinitions = [] }: OperationDefinitionNode,
): readonly string[] {
  const nullable = variableDefinitions.filter(({ type }) => type.kind !== Kind.NON_NULL_TYPE)
  if (nullable.length === 0) return []
  const used = new Set<string>()
  const typeInfo = new TypeInfo(schema)
  visit(
    document,
    visitWithTypeInfo(typeInfo, {
      Variable({ name }) {
        if (isNonNullType(typeInfo.getInputType())) used.add(name.value)
      },
    }),
  )
  return nullable.map(({ variable }) => variable.name.value).filter((name) => used.has(name))
}
