/**
 * What a stream that a client has opened can still do (RFC 9113 §5.1). One that is idle has no object, and nothing is
 * pushed, so that these are left of the states there:
 *
 *                      HEADERS from the client
 *                                 |
 *                                 v
 *              localEnd        +------+        remoteEnd
 *             +----------------| open |----------------+
 *             |                +------+                |
 *             v                    |                   v
 *    +-----------------+           |          +------------------+
 *    | halfClosedLocal |           | reset    | halfClosedRemote |
 *    +-----------------+           |          +------------------+
 *             |                    v                   |
 *             | remoteEnd      +--------+     localEnd |
 *             +--------------->| closed |<-------------+
 *               or reset       +--------+     or reset
 */
export type StreamState = "open" | "halfClosedLocal" | "halfClosedRemote" | "closed"

/** END_STREAM was sent, END_STREAM was received, or RST_STREAM was either. */
export type Step = "localEnd" | "remoteEnd" | "reset"

const table: Readonly<Record<StreamState, Readonly<Record<Step, StreamState>>>> = {
  open: { localEnd: "halfClosedLocal", remoteEnd: "halfClosedRemote", reset: "closed" },
  halfClosedLocal: { localEnd: "halfClosedLocal", remoteEnd: "closed", reset: "closed" },
  halfClosedRemote: { localEnd: "closed", remoteEnd: "halfClosedRemote", reset: "closed" },
  closed: { localEnd: "closed", remoteEnd: "closed", reset: "closed" }
}

/** The state after a step; an end that was there already changes nothing. */
export const next = (state: StreamState, step: Step): StreamState => table[state][step]
