import { assert, describe, it } from "@effect/vitest"
import * as Settings from "../../../src/protocol/wire/PeerSettings.ts"
import { outcome, uint16s, uint32s } from "../../support/FrameBytes.ts"

/** What is said to a value, and the settings after it. */
const set = (id: number, value: number): readonly [string, Settings.PeerSettings] => {
  const settings = new Settings.PeerSettings()
  return [outcome(settings.set(id, value)), settings]
}

const initial = { ...new Settings.PeerSettings() }

describe("RFC 9113 §6.5.2: defined settings", () => {
  it("have their identifiers", () => {
    assert.deepStrictEqual(
      [
        Settings.HEADER_TABLE_SIZE,
        Settings.ENABLE_PUSH,
        Settings.MAX_CONCURRENT_STREAMS,
        Settings.INITIAL_WINDOW_SIZE,
        Settings.MAX_FRAME_SIZE,
        Settings.MAX_HEADER_LIST_SIZE,
        Settings.ENABLE_CONNECT_PROTOCOL
      ],
      [1, 2, 3, 4, 5, 6, 8]
    )
  })

  it("have initial values", () => {
    assert.deepStrictEqual(initial, {
      headerTableSize: 4096,
      leastHeaderTableSize: 4096,
      enablePush: true,
      maxConcurrentStreams: Number.POSITIVE_INFINITY,
      initialWindowSize: 65_535,
      maxFrameSize: 16_384,
      maxHeaderListSize: Number.POSITIVE_INFINITY
    })
  })

  it("each changes its own value", () => {
    const changes: ReadonlyArray<readonly [id: number, name: string, ...values: ReadonlyArray<number>]> = [
      [1, "headerTableSize", 0, 1, 0xffff_ffff],
      [3, "maxConcurrentStreams", 0, 1, 0xffff_ffff],
      [4, "initialWindowSize", 0, 1, 2 ** 31 - 1],
      [5, "maxFrameSize", 2 ** 14, 2 ** 14 + 1, 2 ** 24 - 1],
      [6, "maxHeaderListSize", 0, 1, 0xffff_ffff]
    ]
    for (const [id, name, ...values] of changes) {
      for (const value of values) {
        const [said, settings] = set(id, value)
        assert.strictEqual(said, "valid")
        const leastHeaderTableSize = Math.min(4096, settings.headerTableSize)
        assert.deepStrictEqual({ ...settings }, { ...initial, leastHeaderTableSize, [name]: value })
      }
    }
  })

  it("ENABLE_PUSH other than 0 or 1 → PROTOCOL_ERROR", () => {
    assert.deepStrictEqual([set(2, 0)[1].enablePush, set(2, 1)[1].enablePush], [false, true])
    for (const value of [2, 255, 0xffff_ffff]) {
      assert.strictEqual(set(2, value)[0], "connection-error PROTOCOL_ERROR invalid-enable-push")
    }
  })

  it("INITIAL_WINDOW_SIZE above 2^31-1 → FLOW_CONTROL_ERROR", () => {
    for (const value of [2 ** 31, 0xffff_ffff]) {
      const expected = "connection-error FLOW_CONTROL_ERROR invalid-initial-window-size"
      assert.strictEqual(set(4, value)[0], expected)
    }
  })

  it("MAX_FRAME_SIZE below 2^14 or above 2^24-1 → PROTOCOL_ERROR", () => {
    for (const value of [0, 2 ** 14 - 1, 2 ** 24, 0xffff_ffff]) {
      assert.strictEqual(set(5, value)[0], "connection-error PROTOCOL_ERROR invalid-max-frame-size")
    }
  })

  it("a value that is refused changes nothing", () => {
    for (const [id, value] of [
      [2, 2],
      [4, 2 ** 31],
      [5, 1]
    ] as const) {
      assert.deepStrictEqual({ ...set(id, value)[1] }, initial)
    }
  })

  it("an unknown identifier is ignored", () => {
    for (const id of [0, 7, 9, 10, 0x0101, 0xffff]) {
      const [said, settings] = set(id, 0xffff_ffff)
      assert.strictEqual(said, "valid")
      assert.deepStrictEqual({ ...settings }, initial)
    }
  })

  it("RFC 8441 §3: ENABLE_CONNECT_PROTOCOL other than 0 or 1 → PROTOCOL_ERROR", () => {
    for (const value of [0, 1]) assert.strictEqual(set(8, value)[0], "valid")
    const expected = "connection-error PROTOCOL_ERROR invalid-enable-connect-protocol"
    for (const value of [2, 0xffff_ffff]) assert.strictEqual(set(8, value)[0], expected)
  })

  it.prop("whatever comes, our frames and windows stay possible", [uint16s, uint32s], ([id, value]) => {
    for (const [, settings] of [set(id, value), set(id % 10, value)]) {
      assert.isAtLeast(settings.maxFrameSize, 2 ** 14)
      assert.isBelow(settings.maxFrameSize, 2 ** 24)
      assert.isBelow(settings.initialWindowSize, 2 ** 31)
    }
  })
})
