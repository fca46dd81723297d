/**
 * The Unix socket on which a server tells its status: whoever connects gets one JSON document, on one line.
 * Only the user of the server can connect. What a client sends is not read, and how long it takes to read is limited.
 */
import { unix, type UnixEndpoint } from "@pagi/core/options/Endpoint"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Schema from "effect/Schema"
import type * as EffectScope from "effect/Scope"
import { mkdirSync, unlinkSync } from "node:fs"
import { connect, createServer, type Socket } from "node:net"
import { dirname, resolve } from "node:path"
import { codeOf, fromErrno, ListenError } from "../accept/ListenError.ts"
import { isSafe } from "../listen/SafeFolder.ts"
import * as UnixSocket from "../listen/UnixSocket.ts"
import { asServerStatus, type ServerStatus } from "../admin/ServerStatus.ts"

/** There is no status to be had. */
export class StatusError extends Schema.TaggedError<StatusError>()("StatusError", {
  path: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `no status at ${this.path}: ${this.reason}`
  }
}

/** How long the two sides wait for each other. */
const patience = Duration.seconds(5)

/** Clients at the same time; more are turned away. */
const maxClients = 16

/** Bytes of a document beyond which it is none. */
const maxLength = 1024 * 1024

// the server -------------------------------------------------------------------------------------------------------------

/**
 * Tells the status to everybody who connects, until the scope closes. Makes the folder of the socket if need be. A socket
 * of the process `predecessor` gives way.
 */
export const serve = (
  path: string,
  status: Effect.Effect<ServerStatus>,
  predecessor?: number
): Effect.Effect<void, ListenError, EffectScope.Scope> =>
  Effect.gen(function* () {
    const endpoint = unix(resolve(path), 0o600)
    yield* UnixSocket.checkLength(endpoint)
    yield* Effect.try({
      try: () => prepareFolder(endpoint),
      catch: (error) => fromErrno(endpoint, error)
    })
    if (predecessor !== undefined) yield* takePlace(endpoint, predecessor)
    yield* UnixSocket.prepare(endpoint)
    const fork = yield* FiberSet.makeRuntime<never>()
    const server = createServer()
    server.maxConnections = maxClients
    server.on("connection", (socket) => fork(answer(socket, status)))
    // Connections that could not be accepted: their clients will see.
    server.on("error", () => {})
    yield* Effect.acquireRelease(
      Effect.try({
        try: () =>
          UnixSocket.inPrivateFolder(endpoint.path, (bound) => {
            server.listen({ path: bound, backlog: maxClients })
            if (!server.listening) throw new ListenError({ endpoint, code: "EACCES" })
            return UnixSocket.publish(bound, endpoint)
          }),
        catch: (error) => {
          server.close()
          return fromErrno(endpoint, error)
        }
      }),
      (file) =>
        Effect.sync(() => {
          UnixSocket.giveUp(file)
          server.close()
        })
    )
  })

/** The same for a server that serves all the same when nobody can ask. */
export const tell = (
  ...[path, status, predecessor]: Parameters<typeof serve>
): Effect.Effect<void, never, EffectScope.Scope> =>
  Effect.catch(serve(path, status, predecessor), ({ message }) =>
    Effect.logWarning(`nobody can ask for the status of this server: ${message}`)
  )

/** Others must not be able to put another socket in the place of this one. */
const prepareFolder = (endpoint: UnixEndpoint): void => {
  const folder = dirname(endpoint.path)
  makeFolder(folder)
  if (!isSafe(folder, process.geteuid?.() ?? 0)) throw new ListenError({ endpoint, code: "UNSAFE_FOLDER" })
}

const makeFolder = (folder: string): void => {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    // Node says so too where the file system is read-only; the system call itself tells.
    if (codeOf(error) === "ENOENT") mkdirSync(folder, { mode: 0o700 })
    throw error
  }
}

const takePlace = (endpoint: UnixEndpoint, predecessor: number): Effect.Effect<void, ListenError> =>
  Effect.matchEffect(fetchStatus(endpoint.path), {
    onFailure: () => Effect.void,
    onSuccess: ({ pid }) =>
      pid === predecessor
        ? Effect.try({ try: () => unlinkSync(endpoint.path), catch: (error) => fromErrno(endpoint, error) })
        : Effect.void
  })

const answer = (socket: Socket, status: Effect.Effect<ServerStatus>): Effect.Effect<void> =>
  Effect.gen(function* () {
    socket.on("error", () => {})
    const document = `${JSON.stringify(yield* status)}\n`
    yield* Effect.callback<void>((resume) => {
      socket.on("close", () => resume(Effect.void))
      socket.write(document)
      socket.destroySoon()
    })
  }).pipe(Effect.timeoutOption(patience), Effect.ensuring(Effect.sync(() => socket.destroy())), Effect.asVoid)

// the client -------------------------------------------------------------------------------------------------------------

/** Asks for the status of the server that listens at a path. */
export const fetchStatus = (path: string): Effect.Effect<ServerStatus, StatusError> => {
  const fail = (reason: string) => Effect.fail(new StatusError({ path, reason }))
  return Effect.callback<string, StatusError>((resume) => {
    const socket = connect({ path })
    const pieces: Array<Buffer> = []
    let length = 0
    socket.on("data", (bytes) => {
      pieces.push(bytes)
      length += bytes.length
      if (length > maxLength) resume(fail("the answer is too long"))
    })
    socket.on("error", (error) => resume(fail(codeOf(error))))
    socket.on("end", () => resume(Effect.succeed(Buffer.concat(pieces).toString())))
    return Effect.sync(() => socket.destroy())
  }).pipe(
    Effect.timeoutOrElse({ duration: patience, orElse: () => fail("no answer in time") }),
    Effect.flatMap((text) => {
      const status = parse(text)
      return status === undefined ? fail("the answer is none of a server") : Effect.succeed(status)
    })
  )
}

const parse = (text: string): ServerStatus | undefined => {
  try {
    return asServerStatus(JSON.parse(text))
  } catch {
    return undefined
  }
}
