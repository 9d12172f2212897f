/** Reads a list to its last page. */

/** The fields of a connection that paging needs. */
interface Page<T> {
  readonly nodes: readonly T[]
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null }
}

/** Returns the nodes of all pages; `read` receives the cursor, null for the first page. */
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
