/**
 * Root field of an operation: what metrics and traces count it by. The schema limits its values; operation
 * names are chosen by clients, and any limit on them could be used up by one client.
 */
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql'

/** Returned for operations that select different root fields. */
export const SEVERAL_FIELDS = 'several'

/** @param document validated: its root fields are in the schema, and no fragment contains itself */
export function rootFieldOf(document: DocumentNode, operation: OperationDefinitionNode): string {
  const names = new Set<string>()
  const visited = new Set<string>()

  function collect({ selections }: SelectionSetNode): void {
    for (const node of selections) {
      if (node.kind === Kind.FIELD) names.add(node.name.value)
      else if (node.kind === Kind.INLINE_FRAGMENT) collect(node.selectionSet)
      else if (!visited.has(node.name.value)) {
        visited.add(node.name.value)
        const fragment = findFragment(document, node.name.value)
        if (fragment !== undefined) collect(fragment.selectionSet)
      }
    }
  }

  collect(operation.selectionSet)
  const [only, ...others] = names
  return only === undefined || others.length > 0 ? SEVERAL_FIELDS : only
}

function findFragment(document: DocumentNode, name: string): FragmentDefinitionNode | undefined {
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === name)
      return definition
  return undefined
}
