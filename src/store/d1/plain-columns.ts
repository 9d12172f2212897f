import type { RowShape } from '../sqlite/define-statement.ts'

/** Selects plain columns. D1 sends rows as JSON anyway, and its `json_array` accepts at most 32 values. */
export const plainColumns: RowShape = (columns) =>
  Object.fromEntries(columns.map((column, index) => [`c${index}`, column]))
