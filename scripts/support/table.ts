/** Tables of the documentation, as the formatter would have them. */

/** Text in a cell, as code. */
export const code = (text: string): string => `\`${text.replaceAll("|", "\\|")}\``

/** Columns of equal width; the first row is the head. */
export const tableOf = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: ReadonlyArray<string>, fill: string) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0, fill)).join(" | ")} |`
  const [head = [], ...body] = rows
  return [
    line(head, " "),
    line(
      head.map(() => ""),
      "-"
    ),
    ...body.map((row) => line(row, " "))
  ].join("\n")
}
