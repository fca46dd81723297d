/** Tables whose rows are used again: what changes is the text in them. */

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {boolean} [isNumber] Aligned to the right.
 * @property {boolean} [isWide] Takes what room there is, and is cut off beyond it.
 */

/** @typedef {string | { readonly text: string, readonly tone: string }} Cell */

/**
 * An element of the page; a missing one is a mistake in the page.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export const element = (id) => {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`no #${id}`)
  return found
}

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {string} [className]
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[Name]}
 */
export const make = (name, className = "", text = "") => {
  const made = document.createElement(name)
  if (className !== "") made.className = className
  if (text !== "") made.textContent = text
  return made
}

/**
 * Writes a text where another one stands.
 *
 * @param {Node} node
 * @param {string} text
 */
export const write = (node, text) => {
  if (node.textContent !== text) node.textContent = text
}

/** @param {Column} column */
const classOf = ({ isNumber, isWide }) => [isNumber && "number", isWide && "wide"].filter(Boolean).join(" ")

export class Table {
  /** @type {ReadonlyArray<Column>} */
  #columns
  #body = make("tbody")
  #empty

  /**
   * @param {HTMLElement} table
   * @param {ReadonlyArray<Column>} columns
   * @param {string} empty what stands there when there are no rows
   */
  constructor(table, columns, empty) {
    this.#columns = columns
    this.#empty = empty
    const head = make("tr")
    for (const column of columns) {
      const title = make("th", classOf(column), column.title)
      title.scope = "col"
      head.append(title)
    }
    const heads = make("thead")
    heads.append(head)
    table.replaceChildren(heads, this.#body)
  }

  /** @param {ReadonlyArray<ReadonlyArray<Cell>>} rows */
  show(rows) {
    if (rows.length === 0) {
      if (this.#body.dataset["empty"] === "yes") return
      const cell = make("td", "empty", this.#empty)
      cell.colSpan = this.#columns.length
      const row = make("tr")
      row.append(cell)
      this.#body.replaceChildren(row)
      this.#body.dataset["empty"] = "yes"
      return
    }
    if (this.#body.dataset["empty"] === "yes") this.#body.replaceChildren()
    this.#body.dataset["empty"] = "no"
    while (this.#body.rows.length > rows.length) this.#body.deleteRow(-1)
    for (const [index, cells] of rows.entries()) this.#fill(this.#body.rows[index] ?? this.#add(), cells)
  }

  #add() {
    const row = make("tr")
    row.append(...this.#columns.map((column) => make("td", classOf(column))))
    this.#body.append(row)
    return row
  }

  /**
   * @param {HTMLTableRowElement} row
   * @param {ReadonlyArray<Cell>} cells
   */
  #fill(row, cells) {
    for (const [index, cell] of cells.entries()) {
      const shown = row.cells[index]
      if (shown === undefined) continue
      const { text, tone } = typeof cell === "string" ? { text: cell, tone: "" } : cell
      write(shown, text)
      if ((shown.dataset["tone"] ?? "") !== tone) shown.dataset["tone"] = tone
      if (this.#columns[index]?.isWide === true && shown.title !== text) shown.title = text
    }
  }
}
