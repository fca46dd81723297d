/** Which compression is agreed on in the handshake (RFC 7692 §7.1); nothing here compresses. */
import type { ByteString } from "@pagi/core/bytes/ByteString"
import { type ExtensionOffer, parseExtensions } from "./ExtensionList.ts"

/** How the two ends compress their messages (RFC 7692 §7.1). */
export interface DeflateParameters {
  /** The server forgets after each message what it has compressed. */
  readonly serverNoContextTakeover: boolean
  readonly clientNoContextTakeover: boolean
  /** The base-2 logarithm of the window with which the server compresses. */
  readonly serverMaxWindowBits: number
  readonly clientMaxWindowBits: number
}

/** An offer that the server takes, and the value of Sec-WebSocket-Extensions that says so. */
export interface DeflateAgreement {
  readonly parameters: DeflateParameters
  readonly field: ByteString
}

const EXTENSION = "permessage-deflate"
const MAX_WINDOW_BITS = 15

/** Compressing with a window of 8 bits is valid, but zlib cannot do it without a header around its output. */
const MIN_SERVER_WINDOW_BITS = 9

/**
 * Takes the first offer that the server can keep. A field that does not have the form of a list of extensions is as good
 * as none.
 */
export const negotiate = (offers: ByteString): DeflateAgreement | undefined => {
  for (const offer of parseExtensions(offers) ?? []) {
    const agreement = offer.name === EXTENSION ? accept(offer) : undefined
    if (agreement !== undefined) return agreement
  }
  return undefined
}

/**
 * The answer to an offer; `undefined` declines one with a parameter that is unknown, repeated or has a wrong value
 * (RFC 7692 §7.1), or that asks for a window which is too small.
 */
const accept = (offer: ExtensionOffer): DeflateAgreement | undefined => {
  const asked = new Map(offer.parameters)
  if (asked.size < offer.parameters.length || !offer.parameters.every(isValidParameter)) return undefined
  const serverBits = asked.get("server_max_window_bits")
  const clientBits = asked.get("client_max_window_bits")
  const parameters: DeflateParameters = {
    serverNoContextTakeover: asked.has("server_no_context_takeover"),
    clientNoContextTakeover: asked.has("client_no_context_takeover"),
    serverMaxWindowBits: serverBits === undefined ? MAX_WINDOW_BITS : Number(serverBits),
    clientMaxWindowBits: clientBits === undefined ? MAX_WINDOW_BITS : Number(clientBits)
  }
  if (parameters.serverMaxWindowBits < MIN_SERVER_WINDOW_BITS) return undefined
  let field = EXTENSION
  if (parameters.serverNoContextTakeover) field += "; server_no_context_takeover"
  if (parameters.clientNoContextTakeover) field += "; client_no_context_takeover"
  if (serverBits !== undefined) field += `; server_max_window_bits=${serverBits}`
  if (clientBits !== undefined) field += `; client_max_window_bits=${clientBits}`
  return { parameters, field }
}

/** 8 to 15, without leading zeros (RFC 7692 §7.1.2). */
const windowBits = /^(?:[89]|1[0-5])$/

const isValidParameter = ([name, value]: ExtensionOffer["parameters"][number]): boolean => {
  switch (name) {
    case "server_no_context_takeover":
    case "client_no_context_takeover":
      return value === undefined
    case "server_max_window_bits":
      return value !== undefined && windowBits.test(value)
    case "client_max_window_bits":
      return value === undefined || windowBits.test(value)
    default:
      return false
  }
}
