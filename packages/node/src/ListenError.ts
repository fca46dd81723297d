import * as Schema from "effect/Schema"

/** A listening socket could not be had. */
export class ListenError extends Schema.TaggedError<ListenError>()("ListenError", {
  host: Schema.String,
  port: Schema.Int,
  /** The operating system's code, for instance EADDRINUSE. */
  code: Schema.String
}) {
  override get message(): string {
    const where = `port ${this.port} on ${this.host}`
    switch (this.code) {
      case "EADDRINUSE":
        return `${where} is already in use`
      case "EACCES":
        return `${where} needs more privileges than this process has`
      case "EADDRNOTAVAIL":
        return `${this.host} is not an address of this machine`
      case "ENOTFOUND":
      case "EAI_AGAIN":
        return `the host name ${this.host} cannot be resolved`
      default:
        return `cannot listen on ${where}: ${this.code}`
    }
  }
}
