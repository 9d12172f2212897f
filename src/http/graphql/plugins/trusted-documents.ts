/** Trusted documents: the only ones that the gateway executes if the operator lists them. */
import {
  type ASTNode,
  BREAK,
  type DocumentNode,
  type FieldNode,
  GraphQLError,
  Kind,
  OperationTypeNode,
  type SelectionNode,
  print,
  visit,
} from 'graphql'
import { createDocumentCache } from './document-cache.ts'
import { parseDocument } from './document-limits.ts'

/** A document that is executed. */
export interface TrustedDocument {
  /** Ids by which clients name it; none if they send its text. */
  readonly ids: readonly string[]
  readonly text: string
}

export interface TrustedDocuments {
  /** Returns the text with this id, with or without the prefix `sha256:`. Null if none has it. */
  find(id: string): string | null
  /**
   * Whether the text is a trusted document. Whitespace, comments and the order of fields and fragments do not
   * matter, because generators change them. Neither does a `__typename` without alias, which clients with a cache
   * add to each selection set.
   */
  includes(text: string): boolean
}

const INCLUDED = {}

/** @param documents without syntax errors, and within the document limits */
export function createTrustedDocuments(documents: readonly TrustedDocument[]): TrustedDocuments {
  const byId = new Map(documents.flatMap(({ ids, text }) => ids.map((id) => [id, text])))
  /** Names of the selection sets of the documents, by their text. */
  const names = new Map<string, string>()
  const nameOrAdd: NameOf = (text) => {
    // No field of a document has such a name.
    const name = names.get(text) ?? `#${names.size}`
    names.set(text, name)
    return name
  }
  const normalized = new Set(documents.map(({ text }) => normalize(parseDocument(text), nameOrAdd)))
  // Clients repeat their texts, so that each is parsed once.
  const included = createDocumentCache<object>()

  return {
    find: (id) => byId.get(id) ?? byId.get(id.replace(/^sha256:/, '')) ?? null,
    includes(text) {
      if (included.get(text) !== undefined) return true
      const document = parseOrNull(text)
      if (document === null) return false
      const normalizedText = normalize(document, (selections) => names.get(selections) ?? null)
      if (normalizedText === null || !normalized.has(normalizedText)) return false
      included.set(text, INCLUDED)
      return true
    },
  }
}

/** Null if the text has a syntax error, or exceeds a limit. */
function parseOrNull(text: string): DocumentNode | null {
  try {
    return parseDocument(text)
  } catch (error) {
    if (error instanceof GraphQLError) return null
    throw error
  }
}

/** Returns the name of a selection set by its text. Null if no trusted document contains it. */
type NameOf = (text: string) => string | null

/**
 * Returns the same text for documents with the same effect. The order of mutations is kept, because they are
 * executed in this order. A name replaces each selection set before the one around it is printed, so that the
 * work grows with the length of the document, not with its depth. Null if a selection set has no name.
 */
function normalize(document: DocumentNode, nameOf: NameOf): string | null {
  let isNamed = true
  const hasMutation = document.definitions.some(
    (node) =>
      node.kind === Kind.OPERATION_DEFINITION && node.operation === OperationTypeNode.MUTATION,
  )
  const short: DocumentNode = visit(document, {
    Document: { leave: (node) => ({ ...node, definitions: sorted(node.definitions) }) },
    OperationDefinition: {
      leave: (node) => ({ ...node, variableDefinitions: sorted(node.variableDefinitions ?? []) }),
    },
    Field: { leave: (node) => ({ ...node, arguments: sorted(node.arguments ?? []) }) },
    SelectionSet: {
      leave(node, _key, parent) {
        const named = node.selections.filter((selection) => !isTypename(selection))
        // A selection set of `__typename` alone stays: graphql-js prints nothing for an empty one.
        const selections = named.length === 0 ? node.selections : named
        const isOrdered = hasMutation && mayContainMutations(parent)
        const text = print({ ...node, selections: isOrdered ? selections : sorted(selections) })
        const name = nameOf(text)
        isNamed = name !== null
        return name === null ? BREAK : { ...node, selections: [fieldNamed(name)] }
      },
    },
  })
  return isNamed ? print(short) : null
}

function fieldNamed(name: string): FieldNode {
  return { kind: Kind.FIELD, name: { kind: Kind.NAME, value: name } }
}

/** Whether the selection set of this node may be one of the mutation type. */
function mayContainMutations(parent: ASTNode | readonly ASTNode[] | undefined): boolean {
  if (parent === undefined || !('kind' in parent)) return false
  if (parent.kind === Kind.OPERATION_DEFINITION) return true
  if (parent.kind !== Kind.FRAGMENT_DEFINITION && parent.kind !== Kind.INLINE_FRAGMENT) return false
  return ['Mutation', undefined].includes(parent.typeCondition?.name.value)
}

function sorted<T extends ASTNode>(nodes: readonly T[]): readonly T[] {
  const texts = new Map(nodes.map((node) => [node, print(node)]))
  return nodes.toSorted((a, b) => ((texts.get(a) ?? '') < (texts.get(b) ?? '') ? -1 : 1))
}

function isTypename(selection: SelectionNode): boolean {
  if (selection.kind !== Kind.FIELD) return false
  const { name, alias, directives = [] } = selection
  return name.value === '__typename' && alias === undefined && directives.length === 0
}
