import type { EchoLoad, EchoRow, Suite } from "./row.ts"

const sizes = [
  { label: "125", name: "125 bytes", messageBytes: 125, atLeast: 4 },
  { label: "16k", name: "16 KiB", messageBytes: 16_384, atLeast: 1.5 }
] as const

const kinds = [
  { kind: "text", name: "text (ASCII)" },
  { kind: "binary", name: "binary (random bytes)" }
] as const

const load: Omit<EchoLoad, "kind" | "messageBytes"> = { connections: 32, messagesInFlight: 8 }

const throughput: ReadonlyArray<EchoRow> = sizes.flatMap((size) =>
  kinds.map(({ kind, name }): EchoRow => ({
    name: `ws-echo-${size.label}-${kind}`,
    title: `echo of ${size.name} of ${name}, ${load.connections} connections, ${load.messagesInFlight} messages in flight on each`,
    protocol: "websocket",
    load: { ...load, kind, messageBytes: size.messageBytes },
    subject: "pagi",
    peers: ["ws", "websocket-floor"],
    budgets: [{ peer: "ws", atLeast: size.atLeast }]
  }))
)

export const websocket: Suite = {
  name: "websocket",
  title: "WebSocket",
  loadGenerator: "bench/websocket",
  remarks: [
    "The load comes from `bench/websocket`: prebuilt frames with random masks, sent again as soon as their echoes are",
    "there, all that one read completed in one write. Every byte that arrives is compared with the echo that is due, and",
    "echoes that are missing in the end count as an error. MiB/s counts the payloads of the echoes. How far the generator",
    "can go shows beside `websocket-floor`, which unmasks bytes and writes them back: below that figure, and with the",
    "server's core busy, the server was the limit. `ws` runs as its README has it, without compression and without its",
    "optional native module; it answers each message with a write of its own, so reads and writes on both sides are small."
  ],
  throughput,
  figures: [],
  idle: {
    name: "ws-idle",
    title: "memory per open WebSocket",
    protocol: "websocket",
    connections: 10_000,
    candidates: ["pagi", "ws", "websocket-floor"],
    subject: "pagi",
    budgets: { timesPeers: [{ peer: "ws", atMost: 1 }] }
  }
}
