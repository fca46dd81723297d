/**
 * What every server under test answers:
 * `GET /` the greeting, `POST /length.txt` the size of the body that it read, `GET /stream.txt` 1 MiB in pieces, and
 * those that have a row for it `GET /long.txt` 50 MB in such pieces, `GET /file` a file of 100 MiB and `POST /orders` an
 * order as JSON. Those with WebSocket echo every message, whatever the path.
 */
import { tmpdir } from "node:os"
import { join } from "node:path"

export const contentType = "text/plain"

export const greeting = "Hello, world!"

/** The names end in txt for servers of files, which find the content type by that. */
export const lengthPath = "/length.txt"

export const streamPath = "/stream.txt"

export const pieceCount = 16

export const piece: Uint8Array = new Uint8Array(65_536).fill(0x70)

/** Of an order as JSON, which is answered with the order and the number of its pieces. */
export const ordersPath = "/orders"

/** What slow readers ask for, 50 MB in the same pieces. */
export const longStreamPath = "/long.txt"

export const longPieceCount = 763

export const filePath = "/file"

/** Written by the benchmark: the piece so many times. */
export const file = join(tmpdir(), "pagi-bench-file")

export const filePieceCount = 1600

/** Longer than any row keeps a connection idle, so no server closes connections that another one keeps. */
export const keepAliveMilliseconds = 120_000

export const maximumBodyBytes = 8 * 1024 * 1024
