/** The parts of the chat: Redis, servers and HAProxy, on ports of the loopback interface. */
import * as Effect from "effect/Effect"
import { connect } from "node:net"
import { join } from "node:path"
import type { Part } from "./Part.ts"

const folder = join(import.meta.dirname, "..")
const root = join(folder, "../..")
const commands = join(root, "node_modules/.bin")

/** A listener of Redis, which asks for a password: other users of this machine can reach the port as well. */
export interface RedisPlace {
  readonly port: number
  readonly password: string
}

const redisUrl = ({ password, port }: RedisPlace): string => `redis://:${password}@127.0.0.1:${port}`

/** What a program answers to a text that is sent to its port; nothing when it does not. */
const ask = (port: number, text: string, isEnough: (answer: string) => boolean): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    let answer = ""
    const socket = connect(port, "127.0.0.1", () => socket.write(text))
    socket.setEncoding("utf8").setTimeout(2000, () => socket.destroy())
    socket.on("data", (part: string) => {
      answer += part
      if (isEnough(answer)) socket.destroy()
    })
    socket.on("error", () => {})
    socket.on("close", () => resume(Effect.succeed(isEnough(answer))))
    return Effect.sync(() => socket.destroy())
  })

const answersOk = (port: number, path: string): Effect.Effect<boolean> =>
  ask(port, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`, (answer) =>
    answer.startsWith("HTTP/1.1 200 ")
  )

/** Redis, which writes everything down before it answers, so that a killed one forgets nothing. */
export const redis = (command: string, place: RedisPlace, files: string): Part => ({
  name: "Redis",
  command,
  args: ["-"],
  // Not as arguments, which other users can see.
  input: [
    "bind 127.0.0.1",
    `port ${place.port}`,
    `requirepass ${place.password}`,
    `dir ${files}`,
    "appendonly yes",
    'save ""',
    "loglevel warning",
    ""
  ].join("\n"),
  isReady: ask(place.port, `AUTH ${place.password}\r\nPING\r\n`, (answer) => answer.includes("+PONG"))
})

/** Where a server listens. */
export interface ServerPlace {
  readonly port: number
  /** Where it says whether it is ready. */
  readonly admin: number
}

/** What is served, by how many servers with so many workers each. */
export interface Served {
  readonly application: string
  readonly servers: number
  readonly workers: number
}

/** One of the servers. */
export const server = (
  number: number,
  { admin, port }: ServerPlace,
  redis: RedisPlace,
  files: string,
  { application, servers, workers }: Served
): Part => ({
  name: `server ${number}`,
  command: join(commands, "pagi-server"),
  args: [
    ...["--port", `${port}`, "--admin", `127.0.0.1:${admin}`, "--workers", `${workers}`],
    // HAProxy says who the clients are.
    ...["--trusted-proxies", "127.0.0.1", "--trusted-fields", "for,proto"],
    // Long enough for HAProxy to notice that this server wants no new clients, before the old ones are sent away.
    ...["--drain-delay", "2", "--shutdown-timeout", "5"],
    ...["--no-access-log", "--log-level", "warn"],
    join(folder, application)
  ],
  env: {
    PATH: `${commands}:${process.env["PATH"] ?? ""}`,
    REDIS_URL: redisUrl(redis),
    // The name that pages show; the only server is known by its processes.
    ...(servers > 1 ? { CHAT_SERVER: `server ${number}` } : {}),
    // Whatever it leaves when it is killed is removed at the end.
    TMPDIR: files,
    XDG_RUNTIME_DIR: files
  },
  isReady: answersOk(admin, "/readyz")
})

/** HAProxy in front of the servers. */
export const haproxy = (command: string, port: number, servers: ReadonlyArray<ServerPlace>): Part => ({
  name: "HAProxy",
  command,
  args: ["-q", "-db", "-f", join(folder, "haproxy.cfg")],
  env: {
    CHAT_PORT: `${port}`,
    ...Object.fromEntries(
      servers.flatMap(({ admin, port }, index) => [
        [`CHAT_SERVER_${index + 1}`, `127.0.0.1:${port}`],
        [`CHAT_ADMIN_${index + 1}`, `${admin}`]
      ])
    )
  },
  isReady: answersOk(port, "/")
})
