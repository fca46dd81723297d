import { tcp } from "@pagi/core/Endpoint"
import { listen, type ListenOptions } from "../../src/listen/SocketListener.ts"

export interface TcpOptions extends ListenOptions {
  readonly host: string
  readonly port: number
}

/** Listens on TCP for as long as the scope is open. */
export const listenTcp = ({ host, port, ...options }: TcpOptions) => listen(tcp(host, port), options)
