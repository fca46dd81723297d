/** A response of the Fetch standard without the stream that the runtime's own makes of every content. */
import type { NativeRequest } from "../contract/NativeHandler.ts"
import { isValue } from "../http/FieldSyntax.ts"
import type { HeaderBlock } from "../http/HeaderBlock.ts"
import { lookUpName } from "../http/ResponseField.ts"
import { isWithoutContent } from "../http/ResponseStatus.ts"
import { completeAs, nameAs } from "./Delegation.ts"
import { toInit } from "./LightHeaders.ts"

/** The runtime's own class. */
const RealResponse = globalThis.Response

type Content = string | Uint8Array | null
type Field = readonly [name: string, value: string]

const textType: Field = ["content-type", "text/plain;charset=UTF-8"]
const jsonType: Field = ["content-type", "application/json"]

const noFields: HeaderBlock = []

/** Whether the runtime would take the value as it is. */
const isPlainValue = (value: unknown): value is string =>
  typeof value === "string" && isValue(value) && !/^[\t ]|[\t ]$/.test(value)

const has = (fields: HeaderBlock, wanted: string): boolean => {
  for (const [name] of fields) if (name === wanted) return true
  return false
}

/** The fields of a record; `undefined` when it is not as plain as most are. */
const readRecord = (record: Readonly<Record<string, unknown>>): Array<Field> | undefined => {
  const fields: Array<Field> = []
  for (const given of Object.keys(record)) {
    const name = lookUpName(given)?.name
    const value = record[given]
    if (name === undefined || !isPlainValue(value) || has(fields, name)) return undefined
    fields.push([name, value])
  }
  return fields
}

const isRecord = (headers: NonNullable<ResponseInit["headers"]>): headers is Record<string, string> => {
  const prototype: unknown = Object.getPrototypeOf(headers)
  return (prototype === Object.prototype || prototype === null) && !(Symbol.iterator in headers)
}

/** The fields that a response begins with; the runtime's class says what is wrong with them, as it always does. */
const readFields = (headers: ResponseInit["headers"] | undefined): Array<Field> => {
  if (headers === undefined) return []
  return (isRecord(headers) ? readRecord(headers) : undefined) ?? [...new Headers(headers)]
}

/** Whether the class below can do what the runtime's would; that also says what is wrong. */
const isLightInit = (init: ResponseInit | null | undefined, content: Content): boolean => {
  if (init === undefined || init === null) return true
  const { status = 200, statusText = "" } = init
  const isStatus = Number.isInteger(status) && status >= 200 && status <= 599
  return isStatus && statusText === "" && (content === null || !isWithoutContent(status))
}

/** Content that needs no stream; bytes are copied, as the runtime does, since they may be used again. */
const lightContent = (body: unknown): Content | undefined => {
  if (body === null || body === undefined) return null
  if (typeof body === "string") return body
  return body instanceof Uint8Array ? new Uint8Array(body) : undefined
}

/** Fields with the type of the content, unless they name one. */
const withType = (fields: Array<Field>, type: Field): HeaderBlock => {
  if (!has(fields, type[0])) fields.push(type)
  return fields
}

const onlyText: HeaderBlock = [textType]

/** What is in streams that nobody has read from, which were made for content that needs none. */
const contentOfStream = new WeakMap<ReadableStream, string | Uint8Array>()

/**
 * Takes the place of the global `Response` where a program asks for it. Text and bytes are kept as they are, and what
 * the runtime would do with a stream is done by a response of the runtime's own, which is made when it is needed.
 */
export class LightResponse {
  declare readonly statusText: Response["statusText"]
  declare readonly type: Response["type"]
  declare readonly url: Response["url"]
  declare readonly redirected: Response["redirected"]
  declare readonly arrayBuffer: Response["arrayBuffer"]
  declare readonly blob: Response["blob"]
  declare readonly bytes: Response["bytes"]
  declare readonly formData: Response["formData"]
  declare readonly json: Response["json"]
  declare readonly text: Response["text"]

  #status = 200
  /** Not known when undefined: it is in the real response alone. */
  #content: string | Uint8Array | null | undefined = null
  /** The fields until somebody asks for `headers`. */
  #fields: HeaderBlock = noFields
  #headers: Headers | undefined = undefined
  #real: Response | undefined = undefined

  constructor(body?: ConstructorParameters<typeof Response>[0], init?: ResponseInit | null) {
    const content = lightContent(body)
    if (content === undefined || !isLightInit(init, content)) {
      this.#become(new RealResponse(body, init ?? undefined))
      if (body instanceof ReadableStream) this.#content = contentOfStream.get(body)
      return
    }
    this.#content = content
    if (init === undefined || init === null) {
      if (typeof content === "string") this.#fields = onlyText
      return
    }
    this.#status = init.status ?? 200
    const fields = readFields(init.headers)
    this.#fields = typeof content === "string" ? withType(fields, textType) : fields
  }

  static {
    nameAs(this, RealResponse)
  }

  /** Those that the runtime makes are responses too. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return this === LightResponse
      ? value instanceof RealResponse
      : Function.prototype[Symbol.hasInstance].call(this, value)
  }

  static error(): Response {
    return RealResponse.error()
  }

  static redirect(url: string | URL, status?: Parameters<typeof Response.redirect>[1]): Response {
    return RealResponse.redirect(url, status)
  }

  static json(data: unknown, init?: ResponseInit | null): Response {
    const text: string | undefined = JSON.stringify(data)
    if (text === undefined || !isLightInit(init, text)) return RealResponse.json(data, init ?? undefined)
    const response = new LightResponse(null, init)
    response.#content = text
    response.#fields = withType([...response.#fields], jsonType)
    return response
  }

  /** Whether a value is one of these, of which all content is there. */
  static isWhole(value: unknown): value is LightResponse {
    return (
      typeof value === "object" &&
      value !== null &&
      #content in value &&
      value.#content !== undefined &&
      (value.#real === undefined || !(value.#real.bodyUsed || value.#real.body?.locked === true))
    )
  }

  /** What the runtime can work with in place of a response, which may be one of its own. */
  static unwrap(response: Response | LightResponse): Response {
    return #content in response ? response.real : response
  }

  /** Answers a request with a whole response; says why it cannot be sent. */
  static send(response: LightResponse, request: NativeRequest): string | undefined {
    return request.respond(response.#status, response.#blockOfFields, response.#content ?? "")
  }

  get headers(): Headers {
    return (this.#headers ??= new Headers(toInit(this.#fields)))
  }

  get status(): number {
    return this.#status
  }

  get ok(): boolean {
    return this.#status >= 200 && this.#status <= 299
  }

  get body(): Response["body"] {
    if (this.#content === null) return null
    const { body } = this.real
    if (body !== null && this.#content !== undefined) contentOfStream.set(body, this.#content)
    return body
  }

  get bodyUsed(): boolean {
    return this.#real?.bodyUsed ?? false
  }

  /** The same response as one of the runtime's own, with a stream. */
  get real(): Response {
    if (this.#real !== undefined) return this.#real
    const real = new RealResponse(this.#content, { status: this.#status, headers: this.headers })
    this.#real = real
    return real
  }

  clone(): LightResponse {
    const copy = new LightResponse()
    if (this.#real !== undefined) copy.#become(this.#real.clone())
    copy.#status = this.#status
    copy.#content = this.#content
    copy.#fields = this.#blockOfFields
    copy.#headers = undefined
    return copy
  }

  /** Has a response of the runtime's own do everything. */
  #become(real: Response): void {
    this.#real = real
    this.#status = real.status
    this.#headers = real.headers
    this.#content = undefined
  }

  get #blockOfFields(): HeaderBlock {
    return this.#headers === undefined ? this.#fields : [...this.#headers]
  }
}

completeAs(LightResponse, RealResponse, LightResponse.unwrap)
