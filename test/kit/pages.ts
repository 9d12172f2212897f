/** Reads a list to its last page. */

/** One page of a connection, as far as reading on needs it. */
interface Page<T> {
  readonly nodes: readonly T[]
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null }
}

/** Everything on all pages; `read` is given the cursor to go on from, null for the first page. */
export async function readPages<T>(read: (after: string | null) => Promise<Page<T>>): Promise<T[]> {
  const all: T[] = []
  let after: string | null = null
  for (;;) {
    const page: Page<T> = await read(after)
    all.push(...page.nodes)
    if (!page.pageInfo.hasNextPage) return all
    after = page.pageInfo.endCursor
  }
}
