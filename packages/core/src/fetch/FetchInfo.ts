/** What a fetch handler can know of a request besides the request. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { NativeRequest } from "../contract/NativeHandler.ts"
import type { HttpVersion, Readiness, State } from "../contract/Scope.ts"
import type { TlsExtension } from "../contract/TlsExtension.ts"
import type { Fork } from "./Fork.ts"

/**
 * What a fetch handler is told besides the request, as its second argument; in Hono it is `c.env`.
 *
 * Its type names it for frameworks that have a place for it: `new Hono<{ Bindings: PagiApp.FetchInfo }>()`.
 */
export interface FetchInfo {
  /** The client's address, or what a trusted proxy says it is; absent on Unix sockets. */
  readonly remoteAddress: string | undefined
  /** The client's port, where it is known. */
  readonly remotePort: number | undefined
  /** The prefix of the client's path that a proxy has taken off, which links have to begin with; empty without one. */
  readonly rootPath: string
  /** The version of HTTP that the request came by. */
  readonly httpVersion: HttpVersion
  /** Whether the client has sent it over TLS. */
  readonly secure: boolean
  /** What TLS has settled, with the client's certificate; absent without TLS. */
  readonly tls: TlsExtension | undefined
  /** A copy, for this request alone, of what the application's lifespan handler left. */
  readonly state: State
  /** Whether the server wants new work, for the health checks of a load balancer. */
  readonly readiness: Readiness
  /** Aborted when the server begins to stop, so that a response that goes on and on can end by itself. */
  readonly shuttingDown: AbortSignal
  /**
   * Sends a response before the response: 103 Early Hints with `link` fields for the browser to begin with (RFC 8297), or
   * 102 Processing. Throws a `SendError` when the response has started; does nothing when the client has gone.
   */
  informational(status: 102 | 103, headers?: RequestInit["headers"]): void
  /**
   * Runs an Effect with the log, the tracer and whatever else the application was given; its spans are below that of the
   * request. Rejects with what the Effect fails with. It is interrupted when `signal` is aborted: that of the request says
   * that the client has left.
   */
  run<A, E>(effect: Effect.Effect<A, E>, options?: { readonly signal?: AbortSignal | undefined }): Promise<A>
}

/** Waits for the server to stop, as long as a request is being answered. */
class Shutdown {
  readonly #controller = new AbortController()
  readonly #waiting: Fiber.Fiber<void>

  constructor({ shuttingDown }: NativeRequest, fork: Fork) {
    this.#waiting = fork(
      Effect.andThen(
        shuttingDown,
        Effect.sync(() => this.#abort())
      )
    )
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  #abort(): void {
    this.#controller.abort(new DOMException("The server is about to stop.", "AbortError"))
  }

  release(): void {
    this.#waiting.interruptUnsafe()
  }
}

/** Made for each request, and reads it. */
export class RequestInfo implements FetchInfo {
  readonly #request: NativeRequest
  readonly #fork: Fork
  #shutdown: Shutdown | undefined = undefined

  constructor(request: NativeRequest, fork: Fork) {
    this.#request = request
    this.#fork = fork
  }

  get remoteAddress(): string | undefined {
    return this.#request.client?.[0]
  }

  get remotePort(): number | undefined {
    return this.#request.client?.[1] || undefined
  }

  get rootPath(): string {
    return this.#request.rootPath
  }

  get httpVersion(): HttpVersion {
    return this.#request.httpVersion
  }

  get secure(): boolean {
    return this.#request.secure
  }

  get tls(): TlsExtension | undefined {
    return this.#request.tls
  }

  get state(): State {
    return this.#request.state
  }

  get readiness(): Readiness {
    return this.#request.readiness
  }

  get shuttingDown(): AbortSignal {
    this.#shutdown ??= new Shutdown(this.#request, this.#fork)
    return this.#shutdown.signal
  }

  /** The request has been answered; nobody needs to be told anything any more. */
  static release(info: RequestInfo): void {
    info.#shutdown?.release()
  }

  informational(status: 102 | 103, headers?: RequestInit["headers"]): void {
    const fields = headers === undefined ? [] : [...new Headers(headers)]
    const sent = this.#fork(this.#request.send({ type: "http.response.informational", status, headers: fields }))
    const exit = sent.pollUnsafe()
    if (exit !== undefined && Exit.isFailure(exit)) throw Cause.squash(exit.cause)
  }

  run<A, E>(effect: Effect.Effect<A, E>, options?: { readonly signal?: AbortSignal | undefined }): Promise<A> {
    const run = Effect.suspend(() => {
      const fiber = this.#fork(effect)
      return Effect.onInterrupt(Fiber.join(fiber), () => Fiber.interrupt(fiber))
    })
    return Effect.runPromise(run, options)
  }
}
