import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import type { FrameHeader } from "../../../src/protocol/frame/FrameHeader.ts"
import { readSettings, writeSettings, writeSettingsAck } from "../../../src/protocol/frame/Settings.ts"
import { connectionError, type ConnectionError } from "../../../src/protocol/wire/ProtocolError.ts"
import { PeerSettings } from "../../../src/protocol/wire/PeerSettings.ts"
import {
  anyFrame,
  frameOf,
  frameOfHex,
  outcome,
  type ReadFrame,
  uint16s,
  uint32s,
  written,
  writtenHex
} from "../../support/FrameBytes.ts"

/** Settings that only take down what they are told. */
class Recorder extends PeerSettings {
  readonly entries: Array<readonly [id: number, value: number]> = []

  override set(id: number, value: number): ConnectionError | undefined {
    this.entries.push([id, value])
    return id === 0xdead ? connectionError("invalid-enable-push") : undefined
  }
}

const entriesOf = ({ bytes, header, start }: ReadFrame): unknown => {
  const recorder = new Recorder()
  const problem = readSettings(bytes, start, header, recorder)
  return problem === undefined ? recorder.entries : outcome(problem)
}

const entries = (digits: string): unknown => entriesOf(frameOfHex(digits))

/** What real settings say, and what they are afterwards. */
const apply = (digits: string): readonly [string, PeerSettings] => {
  const { bytes, header, start } = frameOfHex(digits)
  const settings = new PeerSettings()
  return [outcome(readSettings(bytes, start, header, settings)), settings]
}

describe("RFC 9113 §6.5: SETTINGS", () => {
  it("has any number of identifiers and values", () => {
    assert.deepStrictEqual(entries("00 00 00 04 00 00 00 00 00"), [])
    assert.deepStrictEqual(entries("00 00 06 04 00 00 00 00 00 00 03 00 00 00 64"), [[3, 100]])
    assert.deepStrictEqual(entries("00 00 0c 04 fe 00 00 00 00 fe dc ff ff ff ff 00 01 fe dc ba 98"), [
      [0xfedc, 0xffff_ffff],
      [1, 0xfedc_ba98]
    ])
  })

  it("an acknowledgement has nothing to apply", () => {
    assert.deepStrictEqual(entries("00 00 00 04 01 00 00 00 00"), [])
  })

  it("an acknowledgement with a payload → FRAME_SIZE_ERROR of the connection", () => {
    const expected = "connection-error FRAME_SIZE_ERROR wrong-frame-size"
    assert.strictEqual(entries("00 00 01 04 01 00 00 00 00 00"), expected)
    assert.strictEqual(entries("00 00 06 04 01 00 00 00 00 00 03 00 00 00 64"), expected)
  })

  it("on a stream → PROTOCOL_ERROR of the connection", () => {
    const expected = "connection-error PROTOCOL_ERROR unexpected-stream-id"
    assert.strictEqual(entries("00 00 06 04 00 00 00 00 01 00 03 00 00 00 64"), expected)
    assert.strictEqual(entries("00 00 00 04 01 00 00 00 01"), expected)
    assert.strictEqual(entries("00 00 03 04 00 7f ff ff ff 00 00 00"), expected)
  })

  it("a length that is not a multiple of 6 → FRAME_SIZE_ERROR of the connection", () => {
    const expected = "connection-error FRAME_SIZE_ERROR wrong-frame-size"
    assert.strictEqual(entries("00 00 03 04 00 00 00 00 00 00 03 00"), expected)
    assert.strictEqual(entries("00 00 05 04 00 00 00 00 00 00 03 00 00 00"), expected)
    assert.strictEqual(entries("00 00 07 04 00 00 00 00 00 00 03 00 00 00 64 00"), expected)
  })

  it("§6.5.3: values are applied in their order", () => {
    const [said, { initialWindowSize }] = apply("00 00 0c 04 00 00 00 00 00 00 04 00 00 00 64 00 04 00 00 00 01")
    assert.deepStrictEqual([said, initialWindowSize], ["valid", 1])
  })

  it("§6.5.2: an unknown identifier is ignored, and what follows it is not", () => {
    const [said, { maxFrameSize }] = apply("00 00 0c 04 00 00 00 00 00 00 ff 00 00 00 01 00 05 00 01 00 00")
    assert.deepStrictEqual([said, maxFrameSize], ["valid", 65_536])
  })

  it("§6.5.2: a value that is not valid is the error of the frame", () => {
    assert.strictEqual(
      apply("00 00 06 04 00 00 00 00 00 00 02 00 00 00 02")[0],
      "connection-error PROTOCOL_ERROR invalid-enable-push"
    )
    assert.strictEqual(
      apply("00 00 06 04 00 00 00 00 00 00 04 80 00 00 00")[0],
      "connection-error FLOW_CONTROL_ERROR invalid-initial-window-size"
    )
    for (const value of ["00 00 3f ff", "01 00 00 00"]) {
      assert.strictEqual(
        apply(`00 00 06 04 00 00 00 00 00 00 05 ${value}`)[0],
        "connection-error PROTOCOL_ERROR invalid-max-frame-size"
      )
    }
  })

  it("nothing is applied after an error", () => {
    const [said, { initialWindowSize }] = apply("00 00 0c 04 00 00 00 00 00 00 02 00 00 00 02 00 04 00 00 00 01")
    assert.deepStrictEqual([said, initialWindowSize], ["connection-error PROTOCOL_ERROR invalid-enable-push", 65_535])
  })

  it("is written", () => {
    assert.strictEqual(
      writtenHex((out) =>
        writeSettings(out, [
          [4, 65_535],
          [0x0102, 0xffff_ffff]
        ])
      ),
      "00 00 0c 04 00 00 00 00 00 00 04 00 00 ff ff 01 02 ff ff ff ff"
    )
    assert.strictEqual(
      writtenHex((out) => writeSettings(out, [])),
      "00 00 00 04 00 00 00 00 00"
    )
    assert.strictEqual(writtenHex(writeSettingsAck), "00 00 00 04 01 00 00 00 00")
  })

  const entry = Arbitrary.all({ id: uint16s, value: uint32s })

  it.prop("read(write(x)) = x", [Arbitrary.array(entry, { maxLength: 8 })], ([list]) => {
    const pairs = list.map(({ id, value }) => [id === 0xdead ? 0 : id, value] as const)
    assert.deepStrictEqual(entriesOf(frameOf(written((out) => writeSettings(out, pairs)))), pairs)
  })

  it.prop("any payload is applied or an error", [anyFrame(30)], ([{ bytes, header, start }]) => {
    assert.isTrue(isConsistent(header, readSettings(bytes, start, header, new PeerSettings())))
  })
})

const isConsistent = (header: FrameHeader, problem: ConnectionError | undefined): boolean =>
  header.streamId === 0 || problem?.reason === "unexpected-stream-id"
