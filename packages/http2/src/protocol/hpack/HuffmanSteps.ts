/**
 * The steps of the Huffman decoder, a state machine that takes a byte at a time; each is made when it is first needed.
 */
import { codeLengths, codes, EOS } from "./HuffmanCode.ts"

/*
 * The decoder as a state machine that takes a byte at a time. A state is an inner node of the tree of codes, from which
 * the next bits go on; state 0 is the root. Since every code has at least 5 bits, a step emits at most two symbols.
 *
 * A step has:
 *
 *   bits 0–7    the state that it leads to
 *   bits 8–9    how many symbols it emits
 *   bit 10      whether the text may end here: what is left over are fewer than 8 bits, all of them ones
 *   bit 11      whether it met EOS
 *   bits 16–23  the first symbol
 *   bits 24–31  the second
 */

export const STATE = 0xff
export const ONE_OR_TWO = 0x300
export const TWO = 0x200
export const ACCEPTED = 0x400
export const INVALID = 0x800
export const FIRST_SHIFT = 16
export const SECOND_SHIFT = 24

const COUNT_UNIT = 0x100

/** Inner nodes of the tree: one less than leaves. */
const nodeTotal = 256

/** A leaf among `children`; no node has the root as its child, so that 0 is free. */
const leaf = (symbol: number): number => ~symbol

/** What follows each node, for a 0 and for a 1: another node or a leaf. */
const makeTree = (): Int16Array => {
  const children = new Int16Array(2 * nodeTotal)
  let nodeCount = 1
  for (let symbol = 0; symbol <= EOS; symbol++) {
    const code = codes[symbol] ?? 0
    let node = 0
    for (let shift = (codeLengths[symbol] ?? 0) - 1; shift > 0; shift--) {
      const edge = 2 * node + ((code >>> shift) & 1)
      if (children[edge] === 0) children[edge] = nodeCount++
      node = children[edge] ?? 0
    }
    children[2 * node + (code & 1)] = leaf(symbol)
  }
  return children
}

/** Marks the nodes at which padding may end: those that up to 7 ones lead to. */
const markPaddings = (children: Int16Array): Uint16Array => {
  const marks = new Uint16Array(nodeTotal)
  let node = 0
  for (let ones = 0; ones < 8; ones++) {
    marks[node] = ACCEPTED
    node = children[2 * node + 1] ?? 0
  }
  return marks
}

/** What steps are made of; made with the first one. */
let tree: { readonly children: Int16Array; readonly marks: Uint16Array } | undefined

const plantTree = () => {
  const children = makeTree()
  return { children, marks: markPaddings(children) }
}

/**
 * The steps that were taken before, by 256 times the state plus the byte; 0 for all others. To make all of them would
 * take longer than anything else does when a server starts, and most are never taken.
 */
export const steps: Int32Array = new Int32Array(256 * nodeTotal)

/** Makes the step that belongs at an index of `steps`. */
export const makeStep = (index: number): number => {
  const { children, marks } = (tree ??= plantTree())
  let node = index >>> 8
  let step = 0
  for (let shift = 7; shift >= 0; shift--) {
    node = children[2 * node + ((index >>> shift) & 1)] ?? 0
    if (node >= 0) continue
    const symbol = ~node
    if (symbol === EOS) step |= INVALID
    else step = (step + COUNT_UNIT) | (symbol << ((step & COUNT_UNIT) === 0 ? FIRST_SHIFT : SECOND_SHIFT))
    node = 0
  }
  step |= node | (marks[node] ?? 0)
  steps[index] = step
  return step
}
