/** A request of the Fetch standard, of which only what is asked for is made. */
import type { NativeRequest } from "../contract/NativeHandler.ts"
import { completeAs } from "./Delegation.ts"
import type { Fork } from "./Fork.ts"
import { LightHeaders, toInit } from "./LightHeaders.ts"
import { clientGone, contentStream, mayHaveContent, readContent } from "./RequestContent.ts"

/** The runtime's own class. */
const RealRequest = globalThis.Request

/** Methods that the runtime's class does not make requests with, although clients may. */
const refusedMethods: ReadonlySet<string> = new Set(["TRACE", "TRACK", "CONNECT"])

const decoder = new TextDecoder()

const toText = (bytes: Uint8Array): string => decoder.decode(bytes)

const toJson = (bytes: Uint8Array): unknown => JSON.parse(decoder.decode(bytes))

/** The memory of the bytes, if it is theirs alone. */
const toArrayBuffer = (bytes: Uint8Array): ArrayBuffer => {
  const { buffer } = bytes
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength ? buffer : new Uint8Array(bytes).buffer
}

const unusable = (): TypeError => new TypeError("Body is unusable: Body has already been read")

/**
 * Passes for a `Request`: by `instanceof`, and wherever one is used by its properties. To the runtime itself, in
 * `new Request(request)` and `fetch(request)`, it is given as `real`, which `Globals` sees to.
 */
export class LightRequest implements Request {
  // As every request that comes from a client has them; they are the real one's.
  declare readonly cache: Request["cache"]
  declare readonly credentials: Request["credentials"]
  declare readonly destination: Request["destination"]
  declare readonly integrity: Request["integrity"]
  declare readonly mode: Request["mode"]
  declare readonly redirect: Request["redirect"]
  declare readonly referrer: Request["referrer"]
  declare readonly referrerPolicy: Request["referrerPolicy"]
  declare readonly keepalive: Request["keepalive"]
  declare readonly duplex: Request["duplex"]
  declare readonly blob: Request["blob"]
  declare readonly formData: Request["formData"]
  declare readonly clone: Request["clone"]

  readonly url: string
  readonly #source: NativeRequest
  readonly #fork: Fork
  #headers: LightHeaders | undefined = undefined
  #controller: AbortController | undefined = undefined
  /** The content was read without a stream. */
  #isRead = false
  #real: Request | undefined = undefined

  constructor(url: string, source: NativeRequest, fork: Fork) {
    this.url = url
    this.#source = source
    this.#fork = fork
  }

  /** What the runtime can work with in place of the value, which may be anything. */
  static unwrap<Value>(value: Value): Value | Request {
    return typeof value === "object" && value !== null && #source in value ? value.real : value
  }

  /** Aborts the request's signal, if anybody has asked for it. */
  static abort(request: LightRequest): void {
    request.#controller?.abort(clientGone())
  }

  get method(): string {
    return this.#source.method
  }

  get headers(): Headers {
    return (this.#headers ??= new LightHeaders(this.#source.headers))
  }

  get signal(): AbortSignal {
    if (this.#controller !== undefined) return this.#controller.signal
    const controller = new AbortController()
    this.#controller = controller
    this.#source.onDisconnect(() => controller.abort(clientGone()))
    return controller.signal
  }

  /** The same request as one of the runtime's own, which is in charge of the content from then on. */
  get real(): Request {
    return (this.#real ??= this.#makeReal())
  }

  #makeReal(): Request {
    const { headers, method } = this.#source
    const init: RequestInit = {
      method: refusedMethods.has(method) ? "GET" : method,
      headers: this.#headers?.real ?? toInit(headers),
      signal: this.signal
    }
    if (init.method !== "GET" && mayHaveContent(this.#source)) {
      init.body = contentStream(this.#source.receive, this.#fork)
      init.duplex = "half"
    }
    const real = new RealRequest(this.url, init)
    if (init.method !== method) Object.defineProperty(real, "method", { value: method })
    // Whoever looks finds that it was read.
    if (this.#isRead) void real.body?.cancel()
    this.#headers?.adopt(real.headers)
    return real
  }

  get body(): ReadableStream<Uint8Array> | null {
    return mayHaveContent(this.#source) ? this.real.body : null
  }

  get bodyUsed(): boolean {
    return this.#real?.bodyUsed ?? this.#isRead
  }

  /** Without a real request, which others may read from, none has to be made to read the content. */
  get #isDirect(): boolean {
    return this.#real === undefined && mayHaveContent(this.#source)
  }

  #read(): Promise<Uint8Array> {
    if (this.#isRead) return Promise.reject(unusable())
    this.#isRead = true
    return readContent(this.#source.receive, this.#fork)
  }

  text(): Promise<string> {
    return this.#isDirect ? this.#read().then(toText) : this.real.text()
  }

  json(): Promise<unknown> {
    return this.#isDirect ? this.#read().then(toJson) : this.real.json()
  }

  bytes(): Promise<Uint8Array> {
    return this.#isDirect ? this.#read() : this.real.bytes()
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#isDirect ? this.#read().then(toArrayBuffer) : this.real.arrayBuffer()
  }
}

completeAs(LightRequest, RealRequest, (request) => request.real)
