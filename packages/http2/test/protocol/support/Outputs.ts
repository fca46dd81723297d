import { assert } from "@effect/vitest"
import { Output } from "../../../src/protocol/Output.ts"
import { Stream } from "../../../src/protocol/streams/Stream.ts"
import { ReceiveWindow } from "../../../src/protocol/wire/FlowWindow.ts"
import { OutputPool } from "../../../src/protocol/wire/OutputBuffer.ts"

/** The largest window. */
export const wide = 2 ** 31 - 1

/** Bytes that may wait for the transport. */
export const highWaterMark = 65_536

/** The way out of a connection that is written to by somebody who takes everything and keeps nothing. */
export const makeOutput = () => {
  const sent = { frames: 0, bytes: 0 }
  /** What the transport has not sent; a test says how much that is. */
  const sink = { write: () => {}, bufferedAmount: 0, isBlocked: false }
  const output = new Output<undefined>(
    sink,
    {
      highWaterMark,
      pool: new OutputPool(),
      maxConcurrentStreams: 100,
      initialWindowSize: 65_535,
      maxFrameSize: 16_384,
      maxHeaderListSize: 65_536,
      maxHeaderCount: 100,
      resetBurst: 100,
      resetsPerSecond: 10,
      enableConnectProtocol: false,
      now: () => 0
    },
    {
      isBusy: false,
      onDataSent: (length) => {
        sent.frames++
        sent.bytes += length
      },
      onContentGone: () => assert.fail("content has gone"),
      onLocalEnd: () => {}
    }
  )
  output.queue.window = wide
  return { output, sent, sink }
}

/** A stream on which the peer takes so many bytes. */
export const stream = (id: number, window: number) => new Stream<undefined>(id, new ReceiveWindow(0, 0), window)
