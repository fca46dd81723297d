import { ReceiveBuffer } from "@pagi/core/bytes/ReceiveBuffer"

const viewOfNothing: DataView = new DataView(new ArrayBuffer(0))

/** Lent memory is mostly the same again, so that its view can be too. */
let lentView: DataView = viewOfNothing

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset)

const viewOfLent = (bytes: Uint8Array): DataView => {
  if (lentView.buffer !== bytes.buffer || lentView.byteOffset !== bytes.byteOffset) lentView = viewOf(bytes)
  return lentView
}

/** The received bytes of a connection; `view` shows the same as numbers, for headers of frames and for masking. */
export class FrameBuffer extends ReceiveBuffer {
  view: DataView = viewOfNothing

  /** `bytes` has become another array. */
  protected override onMemory(): void {
    this.view = this.end === 0 ? viewOfNothing : this.isLent ? viewOfLent(this.bytes) : viewOf(this.bytes)
  }
}
