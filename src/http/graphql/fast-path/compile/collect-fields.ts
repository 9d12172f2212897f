/** CollectFields of the GraphQL specification, for one object type. */
import {
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  Kind,
  type SelectionSetNode,
  isAbstractType,
} from 'graphql'

/** Values of the variables that `@skip` and `@include` use. */
export type Conditions = Readonly<Record<string, unknown>>

/** Schema, fragments and conditions of one document. */
export interface CollectFieldsContext {
  readonly schema: GraphQLSchema
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly conditions: Conditions
}

/** Field nodes by response key, in response order. */
export type FieldGroups = Map<string, FieldNode[]>

/** Groups the selected fields by response key. https://spec.graphql.org/October2021/#CollectFields() */
export function collectFields(
  context: CollectFieldsContext,
  type: GraphQLObjectType,
  selections: readonly SelectionSetNode[],
): FieldGroups {
  const groups: FieldGroups = new Map()
  const visited = new Set<string>()

  function collect({ selections: nodes }: SelectionSetNode): void {
    for (const node of nodes) {
      if (!isIncluded(node.directives ?? [], context.conditions)) continue
      switch (node.kind) {
        case Kind.FIELD: {
          const key = node.alias?.value ?? node.name.value
          const group = groups.get(key)
          if (group === undefined) groups.set(key, [node])
          else group.push(node)
          break
        }
        case Kind.INLINE_FRAGMENT:
          if (applies(node.typeCondition?.name.value)) collect(node.selectionSet)
          break
        case Kind.FRAGMENT_SPREAD: {
          const name = node.name.value
          const fragment = context.fragments.get(name)
          if (visited.has(name) || fragment === undefined) break
          visited.add(name)
          if (applies(fragment.typeCondition.name.value)) collect(fragment.selectionSet)
          break
        }
      }
    }
  }

  function applies(condition: string | undefined): boolean {
    if (condition === undefined || condition === type.name) return true
    const conditional = context.schema.getType(condition)
    return isAbstractType(conditional) && context.schema.isSubType(conditional, type)
  }

  for (const selection of selections) collect(selection)
  return groups
}

/** Evaluates `@skip` and `@include`. https://spec.graphql.org/October2021/#sec--skip */
function isIncluded(directives: readonly DirectiveNode[], conditions: Conditions): boolean {
  return directives.every(({ name, arguments: nodes = [] }) => {
    if (name.value !== 'skip' && name.value !== 'include') return true
    const value = nodes[0]?.value
    const condition =
      value?.kind === Kind.VARIABLE
        ? conditions[value.name.value] === true
        : value?.kind === Kind.BOOLEAN && value.value
    return name.value === 'include' ? condition : !condition
  })
}
