import type { Endpoint } from "@pagi/core/options/Endpoint"
import * as Schema from "effect/Schema"

const TcpEndpoint = Schema.Struct({ _tag: Schema.Literal("Tcp"), host: Schema.String, port: Schema.Int })
const UnixEndpoint = Schema.Struct({
  _tag: Schema.Literal("Unix"),
  path: Schema.String,
  mode: Schema.UndefinedOr(Schema.Int)
})

/** A listening socket could not be had. */
export class ListenError extends Schema.TaggedError<ListenError>()("ListenError", {
  endpoint: Schema.Union([TcpEndpoint, UnixEndpoint]),
  /** The operating system's code, for instance EADDRINUSE; or UNSAFE_FOLDER, where others could replace the socket. */
  code: Schema.String,
  /** The option that names the endpoint, where it is none of those that say where the server listens. */
  option: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    const { code, endpoint, option } = this
    const problem =
      endpoint._tag === "Tcp" ? describeTcp(endpoint.host, endpoint.port, code) : describeUnix(endpoint.path, code)
    return option === undefined ? problem : `option ${option}: ${problem}`
  }
}

/** The error for what Node has thrown or emitted. */
export const fromErrno = (endpoint: Endpoint, error: unknown): ListenError =>
  error instanceof ListenError ? error : new ListenError({ endpoint, code: codeOf(error) })

/** The same for an endpoint that an option of its own names. */
export const ofOption = ({ code, endpoint }: ListenError, option: string): ListenError =>
  new ListenError({ endpoint, code, option })

/** The system's code for an error that Node has thrown or emitted. */
export const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return "code" in error && typeof error.code === "string" ? error.code : error.message
}

const describeTcp = (host: string, port: number, code: string): string => {
  const where = `port ${port} on ${host}`
  switch (code) {
    case "EADDRINUSE":
      return `${where} is already in use`
    case "EACCES":
      return `${where} needs more privileges than this process has`
    case "EADDRNOTAVAIL":
      return `${host} is not an address of this machine`
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `the host name ${host} cannot be resolved`
    default:
      return `cannot listen on ${where}: ${code}`
  }
}

const describeUnix = (path: string, code: string): string => {
  switch (code) {
    case "EADDRINUSE":
      return `the Unix socket ${path} is already in use`
    case "EEXIST":
      return `${path} is something else than a Unix socket; it is left alone, and must be moved away to listen there`
    case "ENAMETOOLONG":
      return `the path ${path} is too long for a Unix socket: use a shorter one, such as /run/app.sock`
    case "UNSAFE_FOLDER":
      return `other users may change the folder of ${path}, and put another socket in its place`
    case "ENOENT":
    case "ENOTDIR":
      return `the folder of the Unix socket ${path} does not exist`
    case "EROFS":
      return `the Unix socket ${path} cannot be made, since the file system is read-only`
    case "ENOSPC":
      return `the Unix socket ${path} cannot be made, since the disk is full`
    case "EACCES":
    case "EPERM":
      return `the Unix socket ${path} needs more privileges than this process has`
    default:
      return `cannot listen on the Unix socket ${path}: ${code}`
  }
}
