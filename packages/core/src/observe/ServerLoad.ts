/** How busy a server is, as an observer of it. */
import type { Observer } from "./Observer.ts"

/** Counts what `PagiServer` and the status of workers tell. */
export class ServerLoad implements Observer {
  /** Connections that are open, or whose applications have not ended yet. */
  connections = 0
  /** Exchanges that the application was started for. */
  requests = 0

  connectionOpened(): void {
    this.connections++
  }

  connectionClosed(): void {
    this.connections--
  }

  applicationStarted(): void {
    this.requests++
  }
}
