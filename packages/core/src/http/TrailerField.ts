/**
 * The fields that a trailer section may not carry (RFC 9110 §6.5.1). They frame or route a message, authenticate, modify
 * a request or describe content, and so have an effect before the content is processed.
 */
const forbidden = new Set([
  "authorization",
  "cache-control",
  "connection",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "cookie",
  "date",
  "expect",
  "expires",
  "host",
  "keep-alive",
  "location",
  "max-forwards",
  "pragma",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "range",
  "retry-after",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "vary",
  "www-authenticate"
])

/** Whether a trailer field with this lower-case name is left out, in what is received as in what is sent. */
export const isForbiddenTrailer = (name: string): boolean => forbidden.has(name) || name.startsWith("if-")
