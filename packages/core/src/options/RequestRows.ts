/** The rows of the groups that are about one request: what comes, what is sent, and the protocols in between. */
import * as Duration from "effect/Duration"
import { levelsKind } from "./CodingLevel.ts"
import * as Combinations from "./Combinations.ts"
import * as Hsts from "./Hsts.ts"
import { mountsKind } from "./Mount.ts"
import { bytes, choice, count, optional, seconds, toggle } from "./OptionKind.ts"
import { define } from "./OptionTable.ts"

/* Sizes are in bytes; a limit or duration of 0 means none. */

/** Sizes and times of requests. */
export const requests = {
  maxHeaderSize: define(bytes(64), 16_384, "Size of a request line, and of a header or trailer section"),
  maxHeaderCount: define(count(1), 100, "Fields in a header or trailer section"),
  maxBodySize: define(bytes(0), 10_000_000, "Size of a request body"),
  timeout: define(
    seconds,
    Duration.seconds(75),
    "How long a connection may be idle between requests; longer than the proxy in front keeps one"
  ),
  headersTimeout: define(seconds, Duration.seconds(30), "How long a request head may take to arrive"),
  bodyTimeout: define(
    seconds,
    Duration.seconds(30),
    "How long a request may go on without a byte in either direction while the application waits for its body"
  ),
  requestTimeout: define(
    seconds,
    Duration.zero,
    "Silence that ends a request: how long it may go on without a byte in either direction"
  ),
  requestDeadline: define(
    seconds,
    Duration.zero,
    "How long a whole request may take, from its head on; then its application is interrupted and the answer is 504"
  ),
  writeTimeout: define(seconds, Duration.seconds(60), "How long a peer may leave sent data unread")
}

/** WebSocket and event streams. */
export const streaming = {
  sseIdleTimeout: define(seconds, Duration.zero, "How long an event stream may go on without an event or comment"),
  wsIdleTimeout: define(seconds, Duration.zero, "How long a WebSocket may go on without a frame in either direction"),
  maxReceiveQueue: define(
    count(1),
    1000,
    "Messages of a WebSocket that may wait for the application; it is not read beyond half of them, and closed with 1008 beyond all"
  ),
  maxWsFrameSize: define(
    bytes(0),
    1_048_576,
    "Size of a WebSocket frame's payload; if not given, that of a message, which no frame may exceed either way"
  ),
  maxWsMessageSize: define(
    bytes(0),
    1_048_576,
    "Size of a WebSocket message, of all its frames and after decompression"
  ),
  maxWsFragments: define(count(0), 16_384, "Frames of a WebSocket message"),
  perMessageDeflate: define(toggle, false, "Compresses WebSocket messages for clients that offer it (RFC 7692)")
}

/** HTTP/2. */
export const http2 = {
  http2: define(
    toggle,
    true,
    "Speaks HTTP/2: over TLS with clients that offer it, without TLS with those that begin with it"
  ),
  h2MaxConcurrentStreams: define(count(1, 2 ** 31 - 1), 100, "Requests of an HTTP/2 connection at the same time"),
  h2InitialWindowSize: define(
    bytes(1, 2 ** 31 - 1),
    65_535,
    "What an HTTP/2 client may send of a request's content before the application receives it; 16 times that of all together"
  ),
  h2MaxFrameSize: define(bytes(16_384, 2 ** 24 - 1), 16_384, "Largest HTTP/2 frame that clients may send"),
  h2MaxHeaderListSize: define(
    bytes(1, 2 ** 32 - 1),
    65_536,
    "Size of an HTTP/2 header or trailer section, uncompressed and with 32 for each field"
  ),
  h2EnableConnectProtocol: define(toggle, true, "Offers WebSocket over HTTP/2 (RFC 8441)"),
  h2ResetBurst: define(
    count(1),
    1000,
    "Streams of an HTTP/2 connection that its client may reset, or have us reset, one after the other"
  ),
  h2ResetRate: define(count(1), 33, "Such streams that it may reset in each second besides")
}

/** Files and responses. */
export const responses = {
  syncFileThreshold: define(
    bytes(0),
    65_536,
    "Size of a file up to which it is read at once, without leaving the event loop"
  ),
  static: define(
    optional(mountsKind),
    undefined,
    "Folders whose files answer requests below a prefix, where there are such files; the application answers the rest (docs/static.md)"
  ),
  staticMaxAge: define(seconds, Duration.zero, "How long caches may use static files without asking; 0 makes them ask"),
  staticImmutable: define(
    toggle,
    false,
    "Lets caches keep static files for a year whose names have a hash, such as main.8f3b2c1d.js"
  ),
  sendfile: define(
    optional(mountsKind),
    undefined,
    "Folders whose files the application may have sent by X-Sendfile or X-Accel-Redirect (docs/static.md)"
  ),
  compress: define(
    toggle,
    false,
    "Compresses content of text and the like on its way, by br, zstd or gzip, for clients that take it (docs/compression.md)"
  ),
  compressMinSize: define(
    bytes(0),
    Combinations.defaultCompressSize,
    "Bytes of content from which on it is compressed"
  ),
  compressLevels: define(
    optional(levelsKind),
    undefined,
    "How hard codings work, or off for one that is not to be used; br=4, zstd=3 and gzip=6 unless given"
  ),
  securityHeaders: define(
    choice("off", "basic", "strict", "api"),
    "off",
    "Fields that tell browsers what pages may do, unless the application sends its own (docs/security-headers.md)"
  ),
  hsts: define(
    optional(Hsts.kind),
    undefined,
    "Tells browsers by Strict-Transport-Security to come by https alone; sent by https only (docs/security-headers.md)"
  ),
  writeHighWatermark: define(bytes(1), 65_536, "Unsent bytes above which an application's sends are suspended"),
  writeLowWatermark: define(bytes(0), 16_384, "Unsent bytes at which they go on")
}
