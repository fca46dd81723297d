/** UTF-8 as text messages have it: decoded whole, or checked as it arrives in parts (RFC 3629). */
import { textFromBytes } from "@pagi/core/bytes/ByteString"

/** What the bytes so far leave open (the ABNF of RFC 3629 §4): how many follow, and what the next may be. */
const START = 0
const LAST = 1
const LAST_TWO = 2
const LAST_THREE = 3
/** After E0: what would fit into two bytes is not allowed. */
const AFTER_E0 = 4
/** After ED: surrogates are not allowed. */
const AFTER_ED = 5
/** After F0: what would fit into three bytes is not allowed. */
const AFTER_F0 = 6
/** After F4: there is nothing beyond U+10FFFF. */
const AFTER_F4 = 7
const INVALID = 8

/** The next state for each state and byte, at `state * 256 + byte`. */
const transitions = new Uint8Array(INVALID * 256).fill(INVALID)

const allow = (state: number, firstByte: number, lastByte: number, next: number): void => {
  transitions.fill(next, state * 256 + firstByte, state * 256 + lastByte + 1)
}
allow(START, 0x00, 0x7f, START)
allow(START, 0xc2, 0xdf, LAST)
allow(START, 0xe0, 0xe0, AFTER_E0)
allow(START, 0xe1, 0xec, LAST_TWO)
allow(START, 0xed, 0xed, AFTER_ED)
allow(START, 0xee, 0xef, LAST_TWO)
allow(START, 0xf0, 0xf0, AFTER_F0)
allow(START, 0xf1, 0xf3, LAST_THREE)
allow(START, 0xf4, 0xf4, AFTER_F4)
allow(LAST, 0x80, 0xbf, START)
allow(LAST_TWO, 0x80, 0xbf, LAST)
allow(LAST_THREE, 0x80, 0xbf, LAST_TWO)
allow(AFTER_E0, 0xa0, 0xbf, LAST)
allow(AFTER_ED, 0x80, 0x9f, LAST)
allow(AFTER_F0, 0x90, 0xbf, LAST_TWO)
allow(AFTER_F4, 0x80, 0x8f, LAST_TWO)

/** Checks UTF-8 that arrives in parts, and fails at the first byte that no continuation could make good. */
export class Utf8Validator {
  private state = START

  /** The index of the first byte that cannot follow what came before; `end` when all can. */
  findInvalid(bytes: Uint8Array, start: number, end: number): number {
    let { state } = this
    let index = start
    while (index < end) {
      state = transitions[state * 256 + (bytes[index] ?? 0)] ?? INVALID
      if (state === INVALID) break
      index++
    }
    this.state = state
    return index
  }

  /** Whether the text may end here, because no character is incomplete. */
  get isComplete(): boolean {
    return this.state === START
  }
}

const REPLACEMENT = "\ufffd"

/**
 * The bytes from `start` up to `end` as text, `undefined` when they are not valid UTF-8. Decoding puts U+FFFD in the
 * place of what is not valid, so that only text with this character, which it may well contain, has to be checked.
 */
export const decodeText = (bytes: Uint8Array, start = 0, end = bytes.length): string | undefined => {
  const text = textFromBytes(bytes, start, end)
  return text.includes(REPLACEMENT) && !isValid(bytes, start, end) ? undefined : text
}

const isValid = (bytes: Uint8Array, start: number, end: number): boolean => {
  const validator = new Utf8Validator()
  return validator.findInvalid(bytes, start, end) === end && validator.isComplete
}
